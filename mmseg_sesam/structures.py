"""Label maps of a training sample, from the pipeline to the loss."""

# Label map in the pipeline -> its field of the data sample.
LABEL_FIELDS = dict(
    gt_seg_map='gt_sem_seg',
    pseudo_seg_map='pseudo_sem_seg',
    confident_seg_map='confident_sem_seg',
)
