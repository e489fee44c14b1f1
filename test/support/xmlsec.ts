import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from './temporary-folder.ts';

export const hasXmlsec = spawnSync('xmlsec1', ['--version']).status === 0;

export const WSU =
  'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd';

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

export const WSSE =
  'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd';
const DS = 'http://www.w3.org/2000/09/xmldsig#';

/** An envelope around a payload whose body xmlsec1 has signed with an RSA key. */
export async function signedByXmlsec(
  payload: string,
  { certificate, key }: { readonly certificate: string; readonly key: string },
  { prefixes = '', method = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256' } = {},
): Promise<string> {
  await using folder = await temporaryFolder('xmlsec');
  const [template, keyFile] = [join(folder.path, 'template.xml'), join(folder.path, 'key.pem')];
  const [, token = ''] = /-----BEGIN CERTIFICATE-----([^-]+)/.exec(certificate) ?? [];
  const exclusive = 'http://www.w3.org/2001/10/xml-exc-c14n#';
  const list =
    prefixes === '' ? '' : `<InclusiveNamespaces xmlns="${exclusive}" PrefixList="${prefixes}"/>`;
  const info = `<SignedInfo><CanonicalizationMethod Algorithm="${exclusive}">${list}</CanonicalizationMethod><SignatureMethod Algorithm="${method}"/><Reference URI="#b1"><Transforms><Transform Algorithm="${exclusive}">${list}</Transform></Transforms><DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><DigestValue/></Reference></SignedInfo>`;
  const keyInfo = `<KeyInfo><w:SecurityTokenReference><w:Reference URI="#t1"/></w:SecurityTokenReference></KeyInfo>`;
  await writeFile(keyFile, key);
  await writeFile(
    template,
    `<E:Envelope xmlns:E="http://schemas.xmlsoap.org/soap/envelope/" xmlns:u="${WSU}"><E:Header><w:Security xmlns:w="${WSSE}"><w:BinarySecurityToken u:Id="t1">${token.replaceAll(/\s/g, '')}</w:BinarySecurityToken><Signature xmlns="${DS}">${info}<SignatureValue/>${keyInfo}</Signature></w:Security></E:Header><E:Body u:Id="b1">\n ${payload}\n</E:Body></E:Envelope>`,
  );
  const ids = IDENTIFIED.flatMap((name) => ['--id-attr:Id', name]);
  const args = ['--sign', '--privkey-pem', keyFile, ...ids, template];
  const { stdout, stderr, status } = spawnSync('xmlsec1', args);
  if (status !== 0) throw new Error(stderr.toString());
  return stdout.toString();
}
