import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startDaemon } from '../../sandbox/daemon.ts';
import { freePort } from '../../sandbox/free-port.ts';
import type { CertificateCredential } from '../../src/adapter/index.ts';

const run = promisify(execFile);
const SERVER = '/usr/sbin/slapd';
const ADD = '/usr/sbin/slapadd';
const MODIFY = '/usr/sbin/slapmodify';

/** Why tests against OpenLDAP are skipped; undefined where they run. */
export const noSlapd: string | undefined = existsSync(SERVER)
  ? undefined
  : 'slapd is not installed';

export const SUFFIX = 'dc=hospital,dc=example';
/** The account that searches, and its password. */
export const READER = { name: `cn=reader,${SUFFIX}`, password: 'the reader’s' } as const;

export interface DirectoryOptions {
  /** The certificate for ldaps and StartTLS. */
  readonly certificate?: CertificateCredential;
  /** Further lines of its configuration: limits, referrals. */
  readonly lines?: readonly string[];
  /** Entries besides people and groups, as LDIF. */
  readonly ldif?: string;
}

/** OpenLDAP with the people and groups of a hospital, and what Active Directory says in its place below `dc=ad`. */
export interface Directory extends AsyncDisposable {
  readonly port: number;
  readonly securePort: number;
  /** The text with which a sign-in below `dc=ad` is refused: as Active Directory writes it. */
  refuse(text: string): void;
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Changes entries by LDIF; it is away meanwhile. */
  change(ldif: string): Promise<void>;
}

/** Written offline, so `memberOf` is written too. `anna` is in `wb-admins` through `it`; `ben (ward 3)` and `o*lga` have names that filters read otherwise. */
const PEOPLE = `
dn: ${SUFFIX}
objectClass: dcObject
objectClass: organization
o: Hospital
dc: hospital

dn: ${READER.name}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: ${READER.password}

dn: ou=people,${SUFFIX}
objectClass: organizationalUnit
ou: people

dn: ou=groups,${SUFFIX}
objectClass: organizationalUnit
ou: groups

${person('anna', 'Anna Admin', '1001')}memberOf: cn=it,ou=groups,${SUFFIX}

${person('ben (ward 3)', 'Ben Nurse', '1002')}
${person('o*lga', 'Olga Other', '1003')}
${person('carl', 'Carl Nobody', '1004')}
dn: cn=it,ou=groups,${SUFFIX}
objectClass: groupOfNames
cn: it
memberOf: cn=wb-admins,ou=groups,${SUFFIX}
member: uid=anna,ou=people,${SUFFIX}

dn: cn=wb-admins,ou=groups,${SUFFIX}
objectClass: groupOfNames
cn: wb-admins
member: cn=it,ou=groups,${SUFFIX}
member: cn=ring,ou=groups,${SUFFIX}

dn: cn=ring,ou=groups,${SUFFIX}
objectClass: groupOfNames
cn: ring
member: cn=wb-admins,ou=groups,${SUFFIX}

dn: cn=wb-ward,ou=groups,${SUFFIX}
objectClass: groupOfNames
cn: wb-ward
member: uid=ben (ward 3),ou=people,${SUFFIX}
`;

function person(uid: string, name: string, number: string): string {
  return `dn: uid=${uid},ou=people,${SUFFIX}
objectClass: inetOrgPerson
uid: ${uid}
cn: ${name}
sn: ${name.split(' ')[1] ?? name}
displayName: ${name}
employeeNumber: ${number}
ou: north
userPassword: ${uid}’s password
`;
}

export async function startDirectory({
  certificate,
  lines = [],
  ldif = '',
}: DirectoryOptions = {}): Promise<Directory> {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-slapd-'));
  const at = (name: string): string => join(folder, name);
  const [port, securePort] = [await freePort(), await freePort()];
  await mkdir(at('data'));
  if (certificate !== undefined) {
    await writeFile(at('server.pem'), certificate.certificate);
    await writeFile(at('server.key'), certificate.key);
  }
  const tls = [
    `TLSCertificateFile ${at('server.pem')}`,
    `TLSCertificateKeyFile ${at('server.key')}`,
  ];
  await writeFile(
    at('slapd.conf'),
    [
      ...['core', 'cosine', 'inetorgperson'].map((one) => `include /etc/ldap/schema/${one}.schema`),
      'modulepath /usr/lib/ldap',
      'moduleload back_mdb',
      'moduleload back_sock',
      'moduleload memberof',
      ...(certificate === undefined ? [] : tls),
      ...lines,
      'database mdb',
      `suffix "${SUFFIX}"`,
      `directory ${at('data')}`,
      'access to attrs=userPassword by anonymous auth by * none',
      'access to * by * read',
      'overlay memberof',
      'database sock',
      'suffix "dc=ad"',
      `socketpath ${at('ad')}`,
      '',
    ].join('\n'),
  );
  await writeFile(at('people.ldif'), `${PEOPLE}\n${ldif}`);
  await run(ADD, ['-q', '-f', at('slapd.conf'), '-b', SUFFIX, '-l', at('people.ldif')]);
  const told = { text: '' };
  const ad = createServer((socket) => {
    socket
      .on('error', () => undefined)
      .on('data', () => {
        socket.end(`RESULT\ncode: 49\nmatched: \ninfo: ${told.text}\n`);
      });
  }).listen(at('ad'));
  const command = [
    '-d',
    '0',
    '-f',
    at('slapd.conf'),
    '-h',
    `ldap://127.0.0.1:${port}${certificate === undefined ? '' : ` ldaps://127.0.0.1:${securePort}`}`,
  ];
  const begin = () => startDaemon({ program: SERVER, args: command, log: at('log'), port });
  let server = await begin();
  return {
    port,
    securePort,
    refuse: (text) => {
      told.text = text;
    },
    stop: () => server.stop(),
    async start() {
      server = await begin();
    },
    async change(text) {
      await server.stop();
      await writeFile(at('change.ldif'), text);
      await run(MODIFY, ['-f', at('slapd.conf'), '-b', SUFFIX, '-l', at('change.ldif')]);
      server = await begin();
    },
    async [Symbol.asyncDispose]() {
      await server.stop();
      ad.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
