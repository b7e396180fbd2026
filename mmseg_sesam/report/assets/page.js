'use strict';
const byId = (id) => document.getElementById(id);
const read = (id) => JSON.parse(byId(id).textContent);
const UNLABELLED = 255;

/** An element with attributes and text; never with markup from data. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}
