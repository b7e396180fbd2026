// Sorts tables by a click on a heading.

function sortTable(table, column, heading) {
  const ascending = heading.getAttribute('aria-sort') === 'descending';
  for (const other of heading.parentNode.children) other.removeAttribute('aria-sort');
  heading.setAttribute('aria-sort', ascending ? 'ascending' : 'descending');
  const value = (row) => row.cells[column].dataset.value;
  const rows = [...table.tBodies[0].rows];
  rows.sort((one, two) => {
    const [a, b] = [value(one), value(two)];
    // Unknown values come last in both directions.
    if (a === '' || b === '') return (a === '') - (b === '');
    const order = column ? a - b : a.localeCompare(b);
    return ascending ? order : -order;
  });
  table.tBodies[0].append(...rows);
}

for (const table of document.querySelectorAll('.sortable')) {
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    heading.querySelector('button').onclick = () => sortTable(table, column, heading);
  });
}
