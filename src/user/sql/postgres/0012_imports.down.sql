DROP TABLE import_report;
DROP TABLE import_films;
DROP TABLE import_files;
DROP TABLE imports;
