import { setting } from 'waybill/adapter';
import { connectionCounts, listenSettings } from 'waybill/peer';
import { aeTitle } from './ae-title.ts';

export const dicomInSettings = {
  ...listenSettings(11112),
  title: setting.optional(
    aeTitle({
      help: 'Our AE title. Given, an association that calls another one is refused; left out, any is taken.',
      example: 'WAYBILL',
    }),
  ),
  from: setting.list(aeTitle({ help: 'An AE title.' }), {
    help: 'The AE titles that may call. Empty allows all. A title is no proof of who calls: see tls, allowFrom and credential.',
    example: '["CT1", "MR1"]',
  }),
  credential: setting.optional(
    setting.credential({
      help: 'Name and password that whoever calls has to give (user identity of the association). They go over the network as they are: use tls.',
      kinds: ['basic'],
    }),
  ),
  encodings: setting.choice(
    {
      any: 'Any, also compressed ones, as the sender offers them first',
      uncompressed: 'Only uncompressed ones (Little Endian), which rules and transforms can read',
    },
    {
      help: 'Which encodings (transfer syntaxes) are taken. Waybill stores and sends them on as they are.',
      default: 'any',
    },
  ),
  queries: setting.choice(
    {
      none: 'C-FIND is not taken',
      target: 'A query is a message of JSON, and what its target answers is what was found',
    },
    {
      help: 'What becomes of queries (C-FIND) for the worklist of a modality, for patients and for studies.',
      default: 'none',
    },
  ),
  queryTimeout: setting.duration({
    help: 'With queries: target, how long the answer of the target is waited for. After it the query is refused for now.',
    default: '15s',
    advanced: true,
  }),
  ...connectionCounts,
  limit: setting.size({
    help: 'The largest object that is taken.',
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
