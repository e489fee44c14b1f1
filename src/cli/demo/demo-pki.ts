import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  certificateAuthority,
  type IssuedCertificate,
} from '../../credential/certificate-maker.ts';

/** The certificates of the demo, made at each start. */
export interface DemoPki {
  /** Where the hub's files are. */
  readonly folder: string;
  /** Adds the certificate of another authority that the hub should trust. */
  trustAlso(name: string, certificate: string): Promise<void>;
  readonly trust: string;
  readonly hospital: IssuedCertificate;
  readonly sender: IssuedCertificate;
}

const LOCAL = ['DNS:localhost', 'IP:127.0.0.1'];

/** Makes an authority, and a certificate for each of the hub, the hospital and the sender. */
export async function demoPki(folder: string, names: readonly string[] = []): Promise<DemoPki> {
  await mkdir(folder, { recursive: true });
  const authority = certificateAuthority('Demo Hospital CA');
  const hub = authority.issue({ commonName: 'hub.demo', names: LOCAL });
  const write = (name: string, text: string, mode = 0o644): Promise<void> =>
    writeFile(join(folder, name), text, { mode });
  await write('ca.crt', authority.certificate);
  await write('hub.crt', hub.certificate);
  await write('hub.key', hub.key, 0o600);
  const hospital = authority.issue({ commonName: 'hospital.demo', names: [...LOCAL, ...names] });
  const sender = authority.issue({ commonName: 'epic.demo', names: LOCAL });
  await write('sender.crt', sender.certificate);
  await write('sender.key', sender.key, 0o600);
  const trustAlso = (name: string, certificate: string): Promise<void> => write(name, certificate);
  return { folder, trustAlso, trust: authority.certificate, hospital, sender };
}
