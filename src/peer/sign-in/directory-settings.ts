import type { SettingsFault } from '../../adapter/adapter.ts';
import * as setting from '../../adapter/setting.ts';
import { PERSON_FILTER } from '../ldap/directory-person.ts';
import { GROUP_FILTER, MEMBER_OF } from '../ldap/groups.ts';
import { filterProblem } from '../ldap/ldap-text.ts';
import { tlsClient } from '../tls/tls-settings.ts';
import { scopeMap } from './scope-map.ts';

const fields = {
  connect: setting.list(
    setting.address({ help: 'A directory server and its port.', example: 'dc1.example:636' }),
    {
      help: 'The directory servers, usually port 636, with StartTLS 389. They are tried in this order; one that answered comes first from then on.',
      example: '[dc1.example:636, dc2.example:636]',
    },
  ),
  security: setting.choice(
    {
      tls: 'TLS from the start (ldaps)',
      starttls: 'begins in plain text; nothing is sent before TLS stands',
      none: 'no encryption: anyone on the network path can read the passwords',
    },
    { help: 'How the connection is encrypted.', default: 'tls' },
  ),
  tls: tlsClient('How the server is verified. If left out, the public authorities are trusted.'),
  credential: setting.optional(
    setting.credential({
      help: 'Who searches for the person, whose password is then tried; a refresh asks again whether they are still there. The user is a DN, at Active Directory also user@domain.',
      example: 'directory-reader',
      kinds: ['basic'],
    }),
  ),
  bindAs: setting.optional(
    setting.text({
      help: "Without such an account: the person's own name there, with {user} where goes what was typed.",
      example: '{user}@hospital.example',
    }),
  ),
  base: setting.text({
    help: 'The DN below which people are found.',
    example: 'ou=Staff,dc=hospital,dc=example',
  }),
  filter: setting.text({
    help: "Which entry is the person's; {user} is what was typed. Exactly one must fit.",
    default: PERSON_FILTER,
    example: '(&(sAMAccountName={user})(!(userAccountControl:1.2.840.113556.1.4.803:=2)))',
  }),
  user: setting.optional(
    setting.text({
      help: 'The attribute with the name as whom they call. Default: sAMAccountName, then uid.',
    }),
  ),
  claims: setting.list(setting.text({ help: 'An attribute.' }), {
    help: 'Which attributes are claims of the token, by their names.',
    example: '["department", "mail"]',
  }),
  groupsFrom: setting.text({
    help: 'The attribute with the groups.',
    default: MEMBER_OF,
    advanced: true,
  }),
  groups: setting.group(
    {
      base: setting.text({ help: 'The DN below which groups are found.' }),
      filter: setting.text({
        help: 'Which groups are those of {dn}, or {user}.',
        default: GROUP_FILTER,
      }),
    },
    { help: 'For a directory that does not tell the groups of a person at their entry.' },
  ),
  nested: setting.flag({
    help: 'Whether groups in groups count too.',
    default: false,
    advanced: true,
  }),
  scopes: scopeMap,
  timeout: setting.duration({
    help: 'How long connecting may take, and each answer.',
    default: '5s',
    advanced: true,
  }),
};

export const directorySettings = setting.group(fields, {
  help: 'Signs people in by name and password of a directory (LDAP): Active Directory, OpenLDAP and others.',
});

export type DirectoryValues = setting.ValuesOf<typeof fields>;

const pathOf = (name: string): string[] => ['signIn', 'ldap', name];

/** What is wrong with the settings beyond their shape. */
export function directoryFaults(values: DirectoryValues | undefined): readonly SettingsFault[] {
  if (values === undefined) return [];
  const { connect, credential, bindAs, filter, groups, security } = values;
  const faults: SettingsFault[] = [];
  const fault = (name: string, what: string, remedy: string): void => {
    faults.push({ path: pathOf(name), what, remedy });
  };
  if (connect.length === 0) fault('connect', 'names no server', 'Name a directory server.');
  if ((credential === undefined) === (bindAs === undefined)) {
    fault('credential', 'either credential or bindAs is needed', 'Name one of them.');
  }
  for (const [name, text] of [
    ['filter', filter],
    ['bindAs', bindAs],
  ] as const) {
    if (text !== undefined && !text.includes('{user}')) {
      fault(name, 'does not say where the typed name goes', 'Write {user} there.');
    }
  }
  for (const text of [filter, groups?.filter ?? GROUP_FILTER]) {
    const problem = filterProblem(text.replaceAll(/\{\w+\}/g, 'x'));
    if (problem !== undefined) fault('filter', problem, 'Compare its brackets.');
  }
  if (security === 'none') {
    faults.push({
      path: pathOf('security'),
      what: 'none sends passwords in clear',
      remedy: 'Use tls or starttls.',
      severity: 'warning',
    });
  }
  return faults;
}
