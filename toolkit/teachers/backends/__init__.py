"""Who answers as the teacher: one file per backend.

`local.open_local` is a model in this process and `endpoint.open_endpoint` one behind HTTP; both give a
`toolkit.teachers.completion.Teacher`. Every other file is a server that a run can start and then asks over HTTP: it has
the functions of `toolkit.teachers.serve.StartedServer` and a line in `toolkit.doors.SERVERS`.
"""
