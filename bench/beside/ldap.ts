import { Client } from 'ldapts';
import ldapLookup from '../../adapters/ldap/ldap-lookup.ts';
import { READER, SUFFIX, startDirectory } from '../../test/support/directory.ts';
import { lentTo, loadings, type Subjects } from './subject.ts';

const PEOPLE = 5_000;
const credential = { kind: 'basic', user: READER.name, password: READER.password } as const;
const search = { base: `ou=people,${SUFFIX}`, filter: '(employeeType=doctor)' };

const person = (n: number): string =>
  `dn: uid=d${n},ou=people,${SUFFIX}\nobjectClass: inetOrgPerson\nuid: d${n}\ncn: Doctor ${n}\nsn: ${n}\nemployeeType: doctor\nemployeeNumber: ${n}\n`;

/** A table of 5,000 rows from OpenLDAP in pages of 500, with connection and sign-in, beside ldapts. */
export async function ldapSubjects(): Promise<Subjects> {
  const ldif = Array.from({ length: PEOPLE }, (_, n) => person(n + 100_000)).join('\n');
  const lines = ['sizelimit size.prtotal=unlimited'];
  const server = await startDirectory({ ldif, lines });
  const bare = async (): Promise<number> => {
    const client = new Client({ url: `ldap://127.0.0.1:${server.port}` });
    await client.bind(READER.name, READER.password);
    const { searchEntries } = await client.search(search.base, {
      filter: search.filter,
      attributes: ['employeeNumber', 'cn'],
      paged: { pageSize: 500 },
    });
    await client.unbind();
    return new Map(searchEntries.map((one) => [one['employeeNumber'], one['cn']])).size;
  };
  const given = {
    ...search,
    connect: [`127.0.0.1:${server.port}`],
    security: 'none',
    credential: 'reader',
    key: 'employeeNumber',
    value: 'cn',
  };
  const adapter = async (): Promise<number> => {
    const table = await ldapLookup.load(lentTo(ldapLookup.settings, given, credential));
    return table.size;
  };
  return {
    subjects: [
      {
        what: 'ldap-lookup, rows',
        bare: (messages) => loadings(messages, PEOPLE, bare),
        adapter: (messages) => loadings(messages, PEOPLE, adapter),
      },
    ],
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
