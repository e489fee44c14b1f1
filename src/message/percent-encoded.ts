/**
 * A text without line ends or marks of an address (RFC 3986 §2.1). Half a character, as JSON may contain, which
 * `encodeURIComponent` throws at, is U+FFFD.
 */
export const percentEncoded = (text: string): string => encodeURIComponent(text.toWellFormed());
