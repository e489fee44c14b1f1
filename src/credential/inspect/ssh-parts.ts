import { createHash, createPrivateKey, createPublicKey } from 'node:crypto';
import type { ParsedKey } from 'ssh2';
import {
  type MaterialFile,
  privateKeyPart,
  publicKeyPart,
  type ReadPart,
  refused,
} from './part.ts';
import { tooManySshRounds } from './work-limit.ts';

const PUBLIC = /^(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-nistp\d+|sk-[\w@.-]+) [A-Za-z0-9+/=]+/;
const PRIVATE = /-----BEGIN OPENSSH PRIVATE KEY-----|^PuTTY-User-Key-File-/;

/** Keys as OpenSSH and PuTTY write them; undefined for anything else. */
export async function readSshParts(
  text: string,
  file: MaterialFile,
): Promise<ReadPart[] | undefined> {
  if (PRIVATE.test(text)) return [await sshPart(text, file)];
  const lines = text.split(/\r?\n/).filter((line) => line !== '' && !line.startsWith('#'));
  if (lines.length === 0 || !lines.every((line) => PUBLIC.test(line))) return undefined;
  return Promise.all(lines.map((line) => sshPart(line, file)));
}

async function sshPart(text: string, file: MaterialFile): Promise<ReadPart> {
  // loaded with the first that is looked at: it brings its own cryptography
  const { utils } = (await import('ssh2')).default;
  const isPuTTY = text.startsWith('PuTTY');
  if (tooManySshRounds(text)) {
    throw refused(
      file,
      'asks for more rounds for its passphrase than ssh-keygen makes',
      'Write it again: ssh-keygen -p -a 16 -f FILE.',
    );
  }
  const parsed = utils.parseKey(text, file.passphrase);
  if (parsed instanceof Error) {
    if (/passphrase|encrypted/i.test(parsed.message) && file.passphrase === undefined) {
      const note = 'a private key that only its passphrase opens';
      return { form: isPuTTY ? 'PuTTY' : 'OpenSSH', item: { kind: 'encrypted key', note } };
    }
    throw refused(
      file,
      'holds an SSH key that cannot be read with this passphrase, or is damaged',
      'Type the passphrase again.',
    );
  }
  return partOf(parsed, isPuTTY ? 'PuTTY' : 'OpenSSH');
}

function partOf(parsed: ParsedKey, form: string): ReadPart {
  const ssh = createHash('sha256')
    .update(parsed.getPublicSSH())
    .digest('base64')
    .replace(/=+$/, '');
  const comment = parsed.comment === '' ? '' : `, ${parsed.comment.slice(0, 100)}`;
  const note = `SHA256:${ssh}${comment}`;
  return parsed.isPrivateKey()
    ? privateKeyPart(createPrivateKey(parsed.getPrivatePEM()), form, note)
    : publicKeyPart(createPublicKey(parsed.getPublicPEM()), form, note);
}
