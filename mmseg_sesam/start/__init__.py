"""Plans a training from a folder of images and a folder of annotations."""
