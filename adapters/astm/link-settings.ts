import { setting } from 'waybill/adapter';

/** How the low-level protocol is spoken; the same in both directions. Defaults are those of ASTM E1381 and LIS01. */
export const linkSettings = {
  role: setting.choice(
    {
      host: 'This is the computer system: where both begin at once, it lets the device go first',
      instrument: 'This is the instrument: where both begin at once, it begins again first',
    },
    {
      help: 'Which side of the link this is. Only where both sides begin to send at once does it matter.',
      default: 'host',
      advanced: true,
    },
  ),
  checksum: setting.choice(
    {
      check: 'A frame with a wrong one is refused, and sent again',
      ignore: 'It is not looked at: for devices that send none or a wrong one',
    },
    {
      help: 'What is done with the checksum of frames that come in.',
      default: 'check',
      advanced: true,
    },
  ),
  frameText: setting.integer({
    help: 'How many characters a frame holds at most that is sent: 240 by E1381, up to 63993 by LIS01. Longer records go on in the next frame.',
    default: 240,
    minimum: 20,
    maximum: 63_993,
    advanced: true,
  }),
  tries: setting.integer({
    help: 'How often a frame is sent that the other side refuses, before the message is given up.',
    default: 6,
    minimum: 1,
    maximum: 100,
    advanced: true,
  }),
  replyTimeout: setting.duration({
    help: 'How long the other side may take to answer an enquiry or a frame that was sent.',
    default: '15s',
    advanced: true,
  }),
  receiveTimeout: setting.duration({
    help: 'How long the other side may pause in the middle of a transmission, before what came of its message is dropped.',
    default: '30s',
    advanced: true,
  }),
  busyWait: setting.duration({
    help: 'How long nothing is sent after the other side has said that it is busy.',
    default: '10s',
    advanced: true,
  }),
  contentionWait: setting.duration({
    help: 'Where both sides began at once: how long the other side is given to begin again before this one does. As an instrument, 1s is waited.',
    default: '20s',
    advanced: true,
  }),
  writeTimeout: setting.duration({
    help: 'How long the other side may take to accept the bytes of a frame, before the connection is closed.',
    default: '30s',
    advanced: true,
  }),
};

export type LinkValues = setting.ValuesOf<typeof linkSettings>;
