import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from './temporary-folder.ts';

export const hasXmlsec = spawnSync('xmlsec1', ['--version']).status === 0;

const WSU = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd';

/** The elements of an envelope that may have an id to which a signature refers. */
const IDENTIFIED = [
  'http://schemas.xmlsoap.org/soap/envelope/:Body',
  'http://www.w3.org/2003/05/soap-envelope:Body',
  `${WSU}:Timestamp`,
  ...['To', 'Action', 'MessageID', 'ReplyTo', 'RelatesTo'].map(
    (name) => `http://www.w3.org/2005/08/addressing:${name}`,
  ),
];

/** What xmlsec1 says of the signature of an envelope, made with the key of a certificate: its status. */
export async function verifiedByXmlsec(
  envelope: Uint8Array,
  certificate: string,
): Promise<boolean> {
  await using folder = await temporaryFolder('xmlsec');
  const [document, key] = [join(folder.path, 'envelope.xml'), join(folder.path, 'cert.pem')];
  await writeFile(document, envelope);
  await writeFile(key, certificate);
  const ids = IDENTIFIED.flatMap((name) => ['--id-attr:Id', name]);
  const args = ['--verify', '--pubkey-cert-pem', key, ...ids, document];
  return spawnSync('xmlsec1', args).status === 0;
}
