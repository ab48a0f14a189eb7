"""`python -m tinygrad_xent.teaching`: make the notebooks of a clone from the lessons' sources."""

from tinygrad_xent.teaching.lessons import lessons_folder, regenerate

if __name__ == "__main__":
    regenerate(lessons_folder())
