import { createHash, createVerify } from 'node:crypto';

/** Whether a mail has a valid DKIM signature: RFC 6376 with relaxed/relaxed, as checked by a receiver. */
export function isVerified(raw: Buffer, publicKey: string): boolean {
  const text = raw.toString('latin1');
  const end = text.indexOf('\r\n\r\n');
  const headers = text.slice(0, end).split(/\r\n(?![ \t])/);
  const body = text
    .slice(end + 4)
    .split('\r\n')
    .map((line) => line.replaceAll(/[ \t]+/g, ' ').trimEnd())
    .join('\r\n')
    .replace(/(\r\n)*$/, '\r\n');
  const own = headers.find((header) => /^DKIM-Signature:/i.test(header)) ?? '';
  const tag = (name: string): string =>
    (new RegExp(`[;:]\\s*${name}=([^;]*)`).exec(own)?.[1] ?? '').replaceAll(/\s/g, '');
  const hash = createHash('sha256').update(Buffer.from(body, 'latin1')).digest('base64');
  const signed = tag('h')
    .split(':')
    .flatMap((name) =>
      headers.filter((one) => one.toLowerCase().startsWith(`${name.toLowerCase()}:`)),
    )
    .map((one) => `${relaxed(one)}\r\n`);
  const unsigned = relaxed(own.replace(/([;:]\s*b=)[^;]*$/, '$1'));
  const verified = createVerify('RSA-SHA256').update(signed.join('') + unsigned, 'latin1');
  return hash === tag('bh') && verified.verify(publicKey, tag('b'), 'base64');
}

const relaxed = (header: string): string => {
  const [name = '', ...value] = header.split(':');
  const one = value
    .join(':')
    .replaceAll('\r\n', '')
    .replaceAll(/[ \t]+/g, ' ')
    .trim();
  return `${name.toLowerCase().trim()}:${one}`;
};
