import { EngineError } from '../../error/engine-error.ts';

/**
 * Splits a JSON pointer (RFC 6901): `/patient/id/0` → three keys, `''` → none. As a whole key, `*`
 * means every element of an array. Throws PATH_INVALID with the position of the mistake.
 */
export function jsonPointer(text: string): string[] {
  if (text === '') return [];
  if (!text.startsWith('/')) throw invalid(text, 0, 'a pointer begins with /');
  const tilde = /~(?![01])/.exec(text);
  if (tilde !== null) throw invalid(text, tilde.index, '~ is written ~0 and / in a name ~1');
  return text
    .slice(1)
    .split('/')
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The array index of a key; undefined if it is not an index. `-` is the place after the last. */
export function arrayIndex(key: string, length: number): number | undefined {
  if (key === '-') return length;
  return /^(?:0|[1-9]\d{0,8})$/.test(key) ? Number(key) : undefined;
}

function invalid(text: string, at: number, why: string): EngineError {
  return new EngineError(
    'PATH_INVALID',
    `JSON pointer ${JSON.stringify(text)}, position ${at + 1}: ${why}. Write it like /patient/identifier/0/value.`,
  );
}
