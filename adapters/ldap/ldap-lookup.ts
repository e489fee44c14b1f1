import {
  DisableError,
  explained,
  type Lent,
  lookupTable,
  type SettingsFault,
  type Step,
  StepFailure,
  setting,
} from 'waybill/adapter';
import { disabledBy, firstReached, tableEntries } from 'waybill/peer/basics';
import {
  connectLdap,
  filterProblem,
  type LdapConnection,
  type LdapEntry,
  LdapFailure,
  type LdapServer,
  tryReachingLdap,
} from 'waybill/peer/ldap';
import { tlsClient } from 'waybill/peer/tls';

const ldapSettings = {
  connect: setting.list(
    setting.address({ help: 'A directory server and its port.', example: 'dc1.example:636' }),
    {
      help: 'The directory servers, usually port 636, with StartTLS 389; Active Directory’s global catalogue has 3269. They are tried in this order.',
      example: '[dc1.example:636, dc2.example:636]',
    },
  ),
  security: setting.choice(
    {
      tls: 'TLS from the start (ldaps)',
      starttls:
        'begins in plain text; nothing is sent before TLS stands, and there is no falling back',
      none: 'no encryption: anyone on the network path can read the entries and the password',
    },
    { help: 'How the connection is encrypted.', default: 'tls' },
  ),
  tls: tlsClient('How the server is verified. If left out, the public authorities are trusted.'),
  credential: setting.optional(
    setting.credential({
      help: 'Who signs in: the user is a DN, at Active Directory also user@domain or DOMAIN\\user. If left out, nobody does, which few directories allow.',
      example: 'directory-reader',
      kinds: ['basic'],
    }),
  ),
  base: setting.text({
    help: 'The DN below which is searched.',
    example: 'ou=Staff,dc=hospital,dc=example',
  }),
  scope: setting.choice(
    {
      sub: 'the base and everything below it',
      one: 'what is directly below the base',
      base: 'the base itself',
    },
    { help: 'How deep is searched.', default: 'sub', advanced: true },
  ),
  filter: setting.text({
    help: 'Which entries are taken, as an LDAP filter.',
    example: '(&(objectClass=user)(employeeNumber=*))',
    default: '(objectClass=*)',
  }),
  timeout: setting.duration({
    help: 'How long connecting may take, and each answer.',
    default: '15s',
  }),
  pageSize: setting.integer({
    help: 'Entries per answer. Active Directory gives at most 1,000 at once; 0 asks for all at once, for a server that cannot answer in pages.',
    default: 500,
    minimum: 0,
    maximum: 10_000,
    advanced: true,
  }),
};

const settings = {
  ...ldapSettings,
  key: setting.text({
    help: 'The attribute with the key. An entry with several values of it gives a row for each; one without it gives none.',
    example: 'employeeNumber',
  }),
  value: setting.text({
    help: 'The attribute with the value; dn takes the name of the entry.',
    example: 'displayName',
  }),
  separator: setting.text({
    help: 'What stands between several values of the attribute.',
    default: ', ',
    advanced: true,
  }),
  most: setting.integer({
    help: 'A search that finds more entries is an error. The table is kept in memory, and is always loaded as a whole.',
    default: 50_000,
    minimum: 1,
    maximum: 1_000_000,
  }),
  empty: setting.choice(
    {
      keep: 'a search that finds nothing leaves the table as it was, because the source is usually being refilled',
      take: 'a search that finds nothing empties the table',
    },
    { help: 'What a search without entries means.', default: 'keep' },
  ),
};

type LdapLookupLent = Lent<typeof settings>;
type LdapLookupValues = setting.ValuesOf<typeof settings>;

export default lookupTable({
  type: 'ldap-lookup',
  title: 'Directories, code tables',
  summary:
    'Loads a code table from a directory (Active Directory, OpenLDAP) at intervals; expressions and code look up the rows in memory.',
  settings,
  check: (values) => Promise.resolve(faults(values)),
  async load(lent) {
    const { settings: values, signal } = lent;
    const fault = disabledBy(faults(values));
    if (fault !== undefined) throw fault;
    await using connection = await firstReached(
      serversOf(values),
      (server) => signedIn(lent, server),
      { signal, what: 'directory server' },
    );
    return await tableOf(connection, lent);
  },
  test: tryLookup,
});

function faults({ connect, filter, security, credential }: LdapLookupValues): SettingsFault[] {
  const problem = filterProblem(filter);
  return [
    ...(connect.length === 0
      ? [{ path: ['connect'], what: 'names no server', remedy: 'Name a directory server.' }]
      : []),
    ...(problem === undefined ? [] : [{ path: ['filter'], what: problem, remedy: '' }]),
    ...(security === 'none' && credential !== undefined
      ? [
          {
            path: ['security'],
            what: 'none sends the password in clear',
            remedy: 'Use tls or starttls.',
            severity: 'warning' as const,
          },
        ]
      : []),
  ];
}

const serversOf = ({ connect, security, tls, timeout }: LdapLookupValues): LdapServer[] =>
  connect.map((address) => ({ address, security, tls, timeout }));

async function signedIn(lent: LdapLookupLent, server: LdapServer): Promise<LdapConnection> {
  const { credential } = lent.settings;
  const known = credential === undefined ? undefined : await lent.credential(credential);
  const connection = await connectLdap(lent, server, lent.signal);
  try {
    if (known?.kind === 'basic') await connection.bind(known.user, known.password);
    return connection;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

async function tableOf(
  connection: LdapConnection,
  { settings: values, event }: Pick<LdapLookupLent, 'settings' | 'event'>,
): Promise<ReadonlyMap<string, string>> {
  const { base, scope, filter, key, value, most, pageSize, empty } = values;
  const { entries, more, elsewhere } = await connection.search({
    base,
    scope,
    filter,
    attributes: [key, value].filter((one) => !isDn(one)),
    most,
    pageSize,
  });
  if (more) {
    throw new DisableError(
      `The search finds more than ${most} entries. Narrow base or filter, or raise most.`,
    );
  }
  if (elsewhere > 0) event('warn', 'elsewhere', elsewhereText(elsewhere));
  return tableEntries(rowsOf(entries, values), { empty, source: 'search', text: String });
}

const elsewhereText = (count: number): string =>
  `The directory says that ${count} other servers hold a part of what is below base; they are not asked. Take a base that this one holds, or the global catalogue (port 3269).`;

const isDn = (attribute: string): boolean => attribute.toLowerCase() === 'dn';

/** A row for each value of the key. */
function rowsOf(
  entries: readonly LdapEntry[],
  { key, value, separator }: LdapLookupValues,
): [string, string][] {
  const rows: [string, string][] = [];
  const keys = valuesOf(key);
  const values = valuesOf(value);
  for (const entry of entries) {
    const text = values(entry).join(separator);
    for (const one of keys(entry)) rows.push([one, text]);
  }
  return rows;
}

const valuesOf = (attribute: string): ((entry: LdapEntry) => readonly string[]) =>
  isDn(attribute) ? ({ dn }) => [dn] : (entry) => entry.values(attribute);

/** Each server as far as its sign-in, then the search at the first that lets us in. */
async function tryLookup(lent: LdapLookupLent, step: Step): Promise<void> {
  const { settings: values } = lent;
  const told: Step = (name, run) => step(name, (detail) => explained(async () => run(detail)));
  await using connection = await triedServers(lent, told);
  await told('base', async (detail) => {
    await connection.search({
      ...values,
      scope: 'base',
      filter: '(objectClass=*)',
      attributes: ['1.1'],
      most: 1,
    });
    detail(values.base);
  });
  await told('rows', async (detail) => {
    const event: LdapLookupLent['event'] = (_level, _name, text) => detail(text);
    const entries = await tableOf(connection, { settings: { ...values, empty: 'take' }, event });
    detail(`${entries.size} rows`);
    if (entries.size > 0) return;
    throw new StepFailure(
      `no entry below base fits the filter and has ${values.key}`,
      'Compare filter and key with an entry; the account may lack the right to read the attribute',
    );
  });
}

/** Goes on where one of several servers does not answer, as loading does, but not with a refused password. */
async function triedServers(lent: LdapLookupLent, step: Step): Promise<LdapConnection> {
  const { credential } = lent.settings;
  let first: LdapConnection | undefined;
  let failure: unknown = new StepFailure('no server is named', 'Name one under connect');
  for (const server of serversOf(lent.settings)) {
    try {
      await tryReachingLdap(lent, step, server);
      const connection = await step('sign-in', async (detail) => {
        const opened = await signedIn(lent, server);
        detail(credential === undefined ? 'nobody: the directory is open' : `as ${credential}`);
        return opened;
      });
      if (first === undefined) first = connection;
      else await connection.close();
    } catch (error) {
      if (error instanceof Error && error.cause instanceof LdapFailure) throw error;
      failure = error;
    }
  }
  if (first === undefined) throw failure;
  return first;
}
