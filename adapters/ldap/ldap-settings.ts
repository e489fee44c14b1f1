import { setting } from 'waybill/adapter';
import { tlsClient } from 'waybill/peer';

export const ldapSettings = {
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
