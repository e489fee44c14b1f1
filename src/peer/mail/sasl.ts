import type { Address } from '../../adapter/setting.ts';

const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64');

/** The one answer of PLAIN (RFC 4616), in base64. */
export const passwordProof = (user: string, password: string): string =>
  base64(`\0${user}\0${password}`);

/** The one answer of OAUTHBEARER (RFC 7628) or of Google's and Microsoft's XOAUTH2, in base64. */
export function bearerProof(
  mechanism: 'OAUTHBEARER' | 'XOAUTH2',
  {
    user,
    token,
    address,
  }: { readonly user: string; readonly token: string; readonly address: Address },
): string {
  if (mechanism === 'XOAUTH2') return base64(`user=${user}\x01auth=Bearer ${token}\x01\x01`);
  const name = user.replaceAll('=', '=3D').replaceAll(',', '=2C');
  const { host, port } = address;
  return base64(`n,a=${name},\x01host=${host}\x01port=${port}\x01auth=Bearer ${token}\x01\x01`);
}
