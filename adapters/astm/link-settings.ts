import { setting } from 'waybill/adapter';

/** The low-level protocol, the same in both directions. Defaults are those of ASTM E1381 and LIS01. */
export const linkSettings = {
  role: setting.choice(
    {
      host: 'This is the computer system: if both begin at once, it lets the device go first',
      instrument: 'This is the instrument: if both begin at once, it goes first',
    },
    {
      help: 'Which side of the link this is. It matters only if both sides begin to send at once.',
      default: 'host',
      advanced: true,
    },
  ),
  checksum: setting.choice(
    {
      check: 'A frame with a wrong checksum is refused, and sent again',
      ignore: 'The checksum is ignored: for devices that send none or a wrong one',
    },
    {
      help: 'How the checksum of incoming frames is handled.',
      default: 'check',
      advanced: true,
    },
  ),
  frameText: setting.integer({
    help: 'The most characters in a frame that is sent: 240 in E1381, up to 63993 in LIS01. Longer records continue in the next frame.',
    default: 240,
    minimum: 20,
    maximum: 63_993,
    advanced: true,
  }),
  tries: setting.integer({
    help: 'How often a refused frame is sent before the message is given up.',
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
    help: 'How long the other side may pause in the middle of a transmission, before its partial message is dropped.',
    default: '30s',
    advanced: true,
  }),
  busyWait: setting.duration({
    help: 'How long to wait after the other side has reported that it is busy.',
    default: '10s',
    advanced: true,
  }),
  contentionWait: setting.duration({
    help: 'If both sides began at once: how long the other side has to begin again before this one does. An instrument waits 1s.',
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
