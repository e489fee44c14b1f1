import type { Talk } from '../talk.ts';

/** An extended request with the id 1 and the name 1.3.6.1.4.1.1466.20037 (RFC 4511, 4.14). */
const REQUEST = Buffer.concat([
  Buffer.from('301d02010177188016', 'hex'),
  Buffer.from('1.3.6.1.4.1.1466.20037'),
]);

/** More than any answer to it. */
const LONGEST = 4_096;

/**
 * Asks for TLS on a plain connection; whether the server agrees. It is our own and not the client's, since whatever is sent
 * behind the agreement must not be read as if it had come encrypted.
 */
export async function agreeToStartTls(talk: Pick<Talk, 'bytes' | 'send'>): Promise<boolean> {
  talk.send(REQUEST);
  const [tag = 0, first = 0] = await talk.bytes(2);
  if (tag !== 0x30) return false;
  const long = first & 0x80 ? first & 0x7f : 0;
  if (long > 2) return false;
  const length = long === 0 ? first : (await talk.bytes(long)).readUIntBE(0, long);
  if (length < 8 || length > LONGEST) return false;
  const answer = await talk.bytes(length);
  return answersSuccess(answer);
}

/** `02 01 01` the id, `78` with its length, `0a 01 00` the result. */
function answersSuccess(answer: Buffer): boolean {
  if (answer.subarray(0, 4).toString('hex') !== '02010178') return false;
  const length = answer[4] ?? 0;
  const result = 5 + (length & 0x80 ? length & 0x7f : 0);
  return answer.subarray(result, result + 3).toString('hex') === '0a0100';
}
