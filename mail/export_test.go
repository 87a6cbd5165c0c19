package mail

// Open begins a session on a connection.
var Open = Server.open
