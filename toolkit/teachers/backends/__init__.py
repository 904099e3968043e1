"""The backends that answer as the teacher, a file each.

`local.LocalTeacher` is a model in this process and `endpoint.EndpointTeacher` one behind HTTP, each a
`toolkit.teachers.completion.Teacher`. Every other file is a server that a run can start: it has the functions of
`toolkit.teachers.serve.StartedServer` and a line in `toolkit.doors.SERVERS`.
"""
