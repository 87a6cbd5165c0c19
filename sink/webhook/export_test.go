package webhook

// Header makes the headers of a request.
var Header = (*Sink).header
