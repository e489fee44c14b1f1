import { setting } from 'waybill/adapter';
import { connectionCounts, listenSettings } from 'waybill/peer/tcp';
import { aeTitle } from './ae-title.ts';

export const dicomInSettings = {
  ...listenSettings(11112),
  title: setting.optional(
    aeTitle({
      help: 'Our AE title. If given, an association that calls another title is refused; if left out, any is accepted.',
      example: 'WAYBILL',
    }),
  ),
  from: setting.list(aeTitle({ help: 'An AE title.' }), {
    help: 'The AE titles that may call. Empty allows all. A title does not prove who is calling: see tls, allowFrom and credential.',
    example: '["CT1", "MR1"]',
  }),
  credential: setting.optional(
    setting.credential({
      help: 'Name and password that callers have to give (user identity of the association). They cross the network unencrypted: use tls.',
      kinds: ['basic'],
    }),
  ),
  encodings: setting.choice(
    {
      any: 'Any, compressed ones too, in the order the sender offers them',
      uncompressed: 'Only uncompressed ones (Little Endian), which rules and transforms can read',
    },
    {
      help: 'Which encodings (transfer syntaxes) are accepted. Waybill stores and forwards them unchanged.',
      default: 'any',
    },
  ),
  queries: setting.choice(
    {
      none: 'C-FIND is not taken',
      target: 'A query becomes a JSON message, and the answer of its target is the result',
    },
    {
      help: 'How to handle queries (C-FIND) for the worklist of a modality, for patients and for studies.',
      default: 'none',
    },
  ),
  queryTimeout: setting.duration({
    help: 'With queries: target, how long to wait for the answer of the target. After that the query is refused for now.',
    default: '15s',
    advanced: true,
  }),
  ...connectionCounts,
  limit: setting.size({
    help: 'The largest object that is accepted.',
    default: '2GB',
    advanced: true,
  }),
  requestTimeout: setting.duration({
    help: 'How long a caller may take to ask for an association once it is connected.',
    default: '30s',
    advanced: true,
  }),
  idleTimeout: setting.duration({
    help: 'How long an association may be silent before it is closed.',
    default: '5m',
    advanced: true,
  }),
};

export type DicomInValues = setting.ValuesOf<typeof dicomInSettings>;
