DROP TABLE spellings;
DROP TABLE titles;
DROP TABLE films;
