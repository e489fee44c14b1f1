import { setting } from 'waybill/adapter';
import { hostKeyPin } from './host-key.ts';

const algorithm = setting.text({
  help: 'The name of an algorithm; with a leading + it is added to the defaults, with - removed.',
  example: '+ssh-rsa',
});

interface Told {
  readonly help: string;
  readonly example: string;
}

/** The settings to reach a machine by SSH: the server, or the jump host before it. */
function machine(help: {
  readonly connect: Told;
  readonly credential: Told;
  readonly hostKey: string;
  readonly knownHosts: string;
}) {
  return {
    connect: setting.address(help.connect),
    credential: setting.credential({ ...help.credential, kinds: ['basic', 'ssh-key'] }),
    hostKey: setting.list(hostKeyPin, {
      help: help.hostKey,
      example: 'SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8',
    }),
    knownHosts: setting.optional(setting.path({ help: help.knownHosts, example: 'known_hosts' })),
  };
}

const algorithms = setting.group(
  {
    keyExchange: setting.list(algorithm, {
      help: 'Key exchange: a plain name replaces the defaults, +name adds to them, -name removes.',
      example: '+diffie-hellman-group14-sha1',
    }),
    hostKey: setting.list(algorithm, {
      help: 'Host key algorithms, written the same way.',
      example: '+ssh-rsa',
    }),
    cipher: setting.list(algorithm, {
      help: 'Ciphers, written the same way.',
      example: '+aes256-cbc',
    }),
    mac: setting.list(algorithm, {
      help: 'Message authentication codes, written the same way.',
      example: '+hmac-sha1',
    }),
  },
  {
    help: 'Which algorithms to use if the defaults do not fit: for an old server, or a security policy.',
    advanced: true,
  },
);

/** How to reach a server, the same for all that is done there. */
export const sshSettings = {
  ...machine({
    connect: { help: 'The SSH server and its port, mostly 22.', example: 'host.example:22' },
    credential: {
      help: 'Who signs in: user and password (kind basic), or a key (kind ssh-key). A password also answers a keyboard-interactive prompt.',
      example: 'drop',
    },
    hostKey:
      "The server's host keys: fingerprints, or whole keys as ssh-keyscan prints them. Several allow for a key change. Without them knownHosts is required; waybill try shows the server's key.",
    knownHosts:
      'A known_hosts file of OpenSSH with the host keys, read at each connection. May be used together with hostKey.',
  }),
  jump: setting.group(
    machine({
      connect: {
        help: 'The jump host (bastion) and its port. The name of the server is looked up there.',
        example: 'bastion.example:22',
      },
      credential: {
        help: 'Who signs in at the jump host: kind basic or ssh-key.',
        example: 'bastion',
      },
      hostKey: "The jump host's keys, as under hostKey.",
      knownHosts:
        'A known_hosts file with the key of the jump host. May be the same as for the server.',
    }),
    {
      help: 'Reaches the server through one jump host, like ProxyJump of OpenSSH. Only the connection is forwarded: the jump host sees neither password nor content.',
      advanced: true,
    },
  ),
  algorithms,
  connectTimeout: setting.duration({
    help: 'How long connecting and signing in may take.',
    default: '15s',
    advanced: true,
  }),
  keepAlive: setting.duration({
    help: 'How often an idle connection is checked. After three checks without an answer it counts as lost.',
    default: '10s',
    advanced: true,
  }),
  idle: setting.duration({
    help: 'How long an unused connection is kept; it is opened again when needed.',
    default: 'forever',
    advanced: true,
  }),
};

export type SshSettings = setting.ValuesOf<typeof sshSettings>;
export type JumpSettings = NonNullable<SshSettings['jump']>;
