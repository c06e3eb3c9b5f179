module reports.example

go 1.19
