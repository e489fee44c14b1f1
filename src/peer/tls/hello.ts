/**
 * The beginning of TLS 1.2 (RFC 5246, 7.4.1.2), always the same: a real one is random, and one in fifty had the end of a
 * message in MLLP in it. This has neither its beginning (0x0b) nor its end (0x1c).
 */
export const HELLO: Uint8Array = Buffer.concat([
  // a record with the hello, for version 1.2
  Buffer.from('16 0301 0051 01 00004d 0303'.replaceAll(' ', ''), 'hex'),
  // the 32 bytes that are random otherwise
  Buffer.from('Does this port of yours know TLS'),
  // no session; ECDHE and RSA with AES; no compression
  Buffer.from('00 000c c02f c030 c02b c02c 009c 002f 01 00'.replaceAll(' ', ''), 'hex'),
  // the curves x25519 and P-256; ECDSA, RSA-PSS and RSA with SHA-256, RSA with SHA-384
  Buffer.from(
    '0018 000a 0006 0004 001d 0017 000d 000a 0008 0403 0804 0401 0501'.replaceAll(' ', ''),
    'hex',
  ),
]);
