import { setting } from 'waybill/adapter';
import { connectionCounts, listenSettings, senderLimits } from 'waybill/peer';
import { framingSetting } from './framing.ts';

const wire = { ...listenSettings(2575), framing: framingSetting('flexible') };

const acknowledging = {
  acknowledge: setting.choice(
    {
      stored: 'Once the message is stored',
      application: 'With the answer of the target, once there is one',
      never: 'Never',
      'by-message':
        'As each message requests in MSH-15 and MSH-16; without them, once it is stored',
    },
    { help: 'When the sender is acknowledged.', default: 'stored' },
  ),
  commitCodes: setting.flag({
    help: 'Acknowledges storage with CA, CE and CR instead of AA, AE and AR.',
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
      help: 'The code for refused messages. Most senders repeat messages after AR, and set them aside after AE.',
      default: 'standard',
      advanced: true,
    },
  ),
  answerTimeout: setting.duration({
    help: 'How long to wait for the answer of the target, if it is passed on to the sender.',
    default: '30s',
    advanced: true,
  }),
  inboundAcks: setting.choice(
    {
      ignore: 'It is reported and not delivered',
      deliver: 'It is delivered like any other message',
    },
    {
      help: 'What happens to an acknowledgement that a sender sends to this port. It is never answered.',
      default: 'ignore',
      advanced: true,
    },
  ),
};

const content = {
  validate: setting.choice(
    {
      none: 'Only that it begins with MSH; without MSH-10 it is identified by its bytes',
      basic: 'Also the charset, and that there is one message per frame',
      structure: 'Also that the segments are those of the message structure of its version',
      full: 'Also required fields, repetitions and data types',
    },
    {
      help: 'What a message must satisfy to be accepted; otherwise it is refused and the answer names segment and field.',
      default: 'basic',
    },
  ),
  versions: setting.list(setting.text({ help: 'A version as in MSH-12, such as 2.5.1.' }), {
    help: 'The accepted versions of HL7. If empty, all are accepted.',
    example: '["2.3", "2.5.1"]',
    advanced: true,
  }),
  batch: setting.choice(
    {
      split: 'Each message of a batch is delivered separately',
      whole: 'A batch is delivered as one message',
    },
    { help: 'What happens to a batch (BHS … BTS or FHS … FTS).', default: 'split', advanced: true },
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
      help: 'The text encoding of messages that do not declare one in MSH-18.',
      example: 'ISO-8859-1',
    }),
  ),
};

export const mllpInSettings = {
  ...wire,
  ...acknowledging,
  ...content,
  ...connectionCounts,
  ...senderLimits,
};

export type MllpInSettings = setting.ValuesOf<typeof mllpInSettings>;
