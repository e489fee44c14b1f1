/** Status codes of RFC 8011 appendix B by their names, without the word for their class. */
const NAMES: Readonly<Record<number, string>> = {
  0x04_00: 'bad request',
  0x04_01: 'forbidden',
  0x04_02: 'not authenticated',
  0x04_03: 'not authorized',
  0x04_04: 'not possible',
  0x04_05: 'timeout',
  0x04_06: 'not found',
  0x04_07: 'gone',
  0x04_08: 'document too large',
  0x04_09: 'value too long',
  0x04_0a: 'document format not supported',
  0x04_0b: 'attributes or values not supported',
  0x04_0e: 'conflicting attributes',
  0x04_11: 'document format error',
  0x05_00: 'internal error',
  0x05_01: 'operation not supported',
  0x05_02: 'service unavailable',
  0x05_03: 'version not supported',
  0x05_04: 'device error',
  0x05_05: 'temporary error',
  0x05_06: 'not accepting jobs',
  0x05_07: 'busy',
  0x05_08: 'job canceled',
  0x05_0a: 'printer is deactivated',
};

/** As `replies` names them: E and four digits, since a number would be read as one. */
export const statusCode = (status: number): string =>
  `E${status.toString(16).toUpperCase().padStart(4, '0')}`;

export const statusName = (status: number): string =>
  NAMES[status] ?? `status ${statusCode(status)}`;

/** RFC 8011: anything below is a success, also with attributes ignored. */
export const isRefusal = (status: number): boolean => status >= 0x01_00;
