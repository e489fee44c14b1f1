import { setting } from 'waybill/adapter';
import { tlsServer } from 'waybill/peer';
import { allowedAddress } from './allowed-address.ts';
import { framingSetting } from './framing.ts';

const wire = {
  listen: setting.address({
    help: 'Address and port to listen on; 0.0.0.0 listens on every address of this machine.',
    example: '0.0.0.0:2575',
  }),
  tls: tlsServer(),
  allowFrom: setting.list(allowedAddress, {
    help: 'From which addresses or networks senders may connect. Empty allows all.',
    example: '["10.1.0.0/16"]',
  }),
  framing: framingSetting('flexible'),
};

const acknowledging = {
  acknowledge: setting.choice(
    {
      stored: 'Once the message is stored',
      application: 'With the answer of the target, once it has one',
      never: 'Never',
      'by-message': 'As each message asks for in MSH-15 and MSH-16; without them once it is stored',
    },
    { help: 'When the sender is acknowledged.', default: 'stored' },
  ),
  commitCodes: setting.flag({
    help: 'Acknowledges what is stored with CA, CE and CR instead of AA, AE and AR.',
    default: false,
    advanced: true,
  }),
  nackCode: setting.choice(
    {
      standard:
        'By the rules of HL7: AR for what cannot be processed or stored now, AE for faults in the content',
      ContentE: 'AE for faults of the message, AR for faults of this system',
      ContentR: 'AR for faults of the message, AE for faults of this system',
      AllE: 'Always AE',
      AllR: 'Always AR',
    },
    {
      help: 'Which code a message is refused with. Most senders repeat what they get AR for, and set aside what they get AE for.',
      default: 'standard',
      advanced: true,
    },
  ),
  answerTimeout: setting.duration({
    help: 'How long the answer of the target is waited for where it is passed on to the sender.',
    default: '30s',
    advanced: true,
  }),
  inboundAcks: setting.choice(
    {
      ignore: 'It is reported and goes nowhere',
      deliver: 'It is delivered like any other message',
    },
    {
      help: 'What becomes of an acknowledgement that a sender sends to this port. It is never answered.',
      default: 'ignore',
      advanced: true,
    },
  ),
};

const content = {
  validate: setting.choice(
    {
      none: 'Only that it begins with MSH; one without MSH-10 is known by its bytes',
      basic: 'Also the charset and that there is one message in a frame',
      structure: 'Also that the segments are those of the message structure of its version',
      full: 'Also required fields, repetitions and data types',
    },
    {
      help: 'What a message must satisfy to be taken; otherwise it is refused and the answer names segment and field.',
      default: 'basic',
    },
  ),
  versions: setting.list(setting.text({ help: 'A version as in MSH-12, such as 2.5.1.' }), {
    help: 'The versions of HL7 that are taken. Empty takes all.',
    example: '["2.3", "2.5.1"]',
    advanced: true,
  }),
  batch: setting.choice(
    {
      split: 'Each message of a batch is delivered by itself',
      whole: 'A batch is delivered as one message',
    },
    { help: 'What becomes of a batch (BHS … BTS or FHS … FTS).', default: 'split', advanced: true },
  ),
  batchAnswer: setting.choice(
    {
      each: 'One acknowledgement for each message',
      batch: 'One batch with an acknowledgement for each message',
    },
    { help: 'How a batch that was split is answered.', default: 'each', advanced: true },
  ),
  charset: setting.optional(
    setting.text({
      help: 'The text encoding of messages that do not name one in MSH-18.',
      example: 'ISO-8859-1',
    }),
  ),
};

const limits = {
  connections: setting.choice(
    {
      parallel: 'Any number of connections from one address',
      replace: 'One; a new one takes the place of the old',
      refuse: 'One; a new one is refused while the old is open',
    },
    {
      help: 'How many connections a sender (an address) may have. replace helps against peers that lose a connection without closing it.',
      default: 'parallel',
      advanced: true,
    },
  ),
  maxConnections: setting.integer({
    help: 'How many connections may be open at once.',
    default: 500,
    minimum: 1,
    advanced: true,
  }),
  connectionsPerAddress: setting.integer({
    help: 'How many connections one address may have open at once, so that none shuts out the others. A balancer before this port counts as one.',
    default: 100,
    minimum: 1,
    advanced: true,
  }),
  limit: setting.size({
    help: 'The largest message that is taken; the connection of a larger one is closed.',
    default: '50MB',
    advanced: true,
  }),
  maxJunk: setting.size({
    help: 'How many bytes that belong to no message are skipped before the connection is closed.',
    default: '64KB',
    advanced: true,
  }),
  frameTimeout: setting.duration({
    help: 'How long a message may take from its first byte to its last.',
    default: '60s',
    advanced: true,
  }),
  idleTimeout: setting.duration({
    help: 'How long a connection may be silent before it is closed.',
    default: 'forever',
    advanced: true,
  }),
  writeTimeout: setting.duration({
    help: 'How long a sender may leave its acknowledgements unread before the connection is closed.',
    default: '30s',
    advanced: true,
  }),
};

export const mllpInSettings = { ...wire, ...acknowledging, ...content, ...limits };

export type MllpInSettings = setting.ValuesOf<typeof mllpInSettings>;
