import { framed, type Received } from './mllp-peers.ts';
import { WARD } from './operator.ts';

/** A production whose transform looks wards up in a table, and suspends what the receiver refuses. */
export const LOOKUP_PRODUCTION = WARD.replace('    to: hl7-out\n', '    to: router\n')
  .replace(
    'operations:',
    `processes:
  router:
    rules:
      - name: visitors
        when: field("PID-5.1") == "Visitor"
        send: []
      - name: everything
        send: { to: hl7-out, transform: to-ward }
transforms: { to-ward: to-ward.yaml }
lookups: { wards: wards.csv }
operations:`,
  )
  .replace(
    "settings: { connect: '${env:CONNECT}' }",
    "settings: { connect: '${env:CONNECT}' }\n    replies: { AE: suspend }",
  );

export const TO_WARD = `type: ADT_A01:2.5.1
steps:
  - { set: MSH-3, value: HUB }
  - { set: PV1-3.1, to: 'lookup("wards", field("PV1-3.1"), "UNKNOWN")' }
`;

/** The table lacks the ward of all messages. */
export const BAD_TABLE = 'key,value\nX,Nowhere\n';
export const GOOD_TABLE = 'key,value\nW1,Surgery\n';
export const LOOKUP_FILES = { 'to-ward.yaml': TO_WARD, 'wards.csv': BAD_TABLE };

export const REFUSAL = 'ward UNKNOWN is not in the table';

/** A receiver that refuses messages with an unknown ward. */
export const refusesUnknown = ({ controlId, body }: Received): Buffer =>
  framed(
    `MSH|^~\\&|R|R|S|S|20260101||ACK|A|P|2.5.1\rMSA|${body.includes('UNKNOWN') ? `AE|${controlId}|${REFUSAL}` : `AA|${controlId}`}\r`,
  );
