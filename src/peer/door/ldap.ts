export {
  bindAccount,
  entryOf,
  PERSON_FILTER,
  type PersonSettings,
  provenPerson,
  toldPerson,
  untypable,
} from '../ldap/directory-person.ts';
export { GROUP_FILTER, groupsOf, MEMBER_OF, mappedName, type Person } from '../ldap/groups.ts';
export {
  connectLdap,
  type LdapConnection,
  type LdapEntry,
  type LdapServer,
} from '../ldap/ldap-connection.ts';
export { LdapFailure } from '../ldap/ldap-failure.ts';
export { tryReachingLdap } from '../ldap/ldap-steps.ts';
export { filterProblem } from '../ldap/ldap-text.ts';
