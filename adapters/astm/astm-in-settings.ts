import { setting } from 'waybill/adapter';
import { arrivalSettings, connectionCounts } from 'waybill/peer';
import { linkSettings } from './link-settings.ts';

const answering = {
  answer: setting.choice(
    {
      none: 'Nothing but the acknowledgements of the low-level protocol',
      target:
        'The answer of the target, if it is an ASTM message: sent to the device after its transmission. For devices that query their orders (Q)',
    },
    { help: 'What is sent back to a device.', default: 'none' },
  ),
  answerTimeout: setting.duration({
    help: 'How long to wait for the answer of the target.',
    default: '30s',
    advanced: true,
  }),
};

const content = {
  charset: setting.optional(
    setting.text({ help: 'The text encoding of the messages.', example: 'ISO-8859-1' }),
  ),
  repetitions: setting.choice(
    {
      once: 'The same bytes within duplicateWindow are stored once; a query (Q) counts each time',
      each: 'Each message counts, also one with the same bytes as another',
    },
    {
      help: 'What happens to a repeated message, such as from a device that lost the connection before it received the last acknowledgement.',
      default: 'once',
      advanced: true,
    },
  ),
};

const limits = {
  limit: setting.size({
    help: 'The largest message that is accepted; a larger one closes the connection.',
    default: '10MB',
    advanced: true,
  }),
  maxJunk: setting.size({
    help: 'How many bytes outside frames are skipped before the connection is closed.',
    default: '64KB',
    advanced: true,
  }),
  idleTimeout: setting.duration({
    help: 'How long a connection may be silent before it is closed.',
    default: 'forever',
    advanced: true,
  }),
};

export const astmInSettings = {
  ...arrivalSettings(4010),
  ...answering,
  ...content,
  ...connectionCounts,
  ...limits,
  ...linkSettings,
};

export type AstmInValues = setting.ValuesOf<typeof astmInSettings>;
