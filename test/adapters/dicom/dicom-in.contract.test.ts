import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe } from 'vitest';
import dicomIn from '../../../adapters/dicom/dicom-in.ts';
import { EXPLICIT_LITTLE_ENDIAN } from '../../../adapters/dicom/uids.ts';
import { fileHead } from '../../../src/document/index.ts';
import { describeInbound, type InboundPeer } from '../../contract/inbound.contract.ts';
import { BODY_MARKER } from '../../contract/marker.ts';
import {
  dicomFile,
  hasDcmtk,
  instanceUid,
  objectOf,
  SECONDARY_CAPTURE,
} from '../../support/dicom.ts';
import { portOf } from '../../support/mllp-sender.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const numberOf = (id: string): number => Number(id.replace(/\D/g, ''));
const body = (id: string): Buffer =>
  dicomFile({ instance: numberOf(id), comment: id, patient: `${BODY_MARKER}^JOHN` });

/** The head that we write says who sent the object. */
function delivered(offered: Buffer): Buffer {
  const [, instance = '1'] = /7777\.1\.(\d+)/.exec(offered.toString('latin1')) ?? [];
  const uids = { classUid: SECONDARY_CAPTURE, instanceUid: instanceUid(Number(instance)) };
  const head = fileHead(uids, { transferSyntax: EXPLICIT_LITTLE_ENDIAN, source: 'CT1' });
  return Buffer.concat([head, objectOf(offered)]);
}

/** `storescu` of DCMTK on loopback; broken down, the address to listen on is none of this machine's. */
async function peer(): Promise<InboundPeer> {
  const folder = await temporaryFolder('modality');
  const sending = new Set<ChildProcess>();
  const given = { listen: '127.0.0.1:0' };
  let count = 0;
  return {
    given,
    async offer(bytes, opened) {
      const name = join(folder.path, `${++count}.dcm`);
      await writeFile(name, bytes);
      const place = ['127.0.0.1', String(portOf(opened)), name];
      const child = spawn('storescu', ['-v', '-aet', 'CT1', ...place]);
      sending.add(child);
      let said = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (text: string) => (said += text));
      }
      return {
        standing() {
          if (/Received Store Response \(Success\)/.test(said)) return 'taken';
          return /Refused: Out ?Of ?Resources/i.test(said) ? 'again' : 'waiting';
        },
      };
    },
    async breakDown() {
      given.listen = '203.0.113.1:11112';
    },
    async [Symbol.asyncDispose]() {
      for (const child of sending) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        child.kill();
        await once(child, 'exit');
      }
      await folder[Symbol.asyncDispose]();
    },
  };
}

describe.skipIf(!hasDcmtk)('with storescu of DCMTK', () => {
  describeInbound(dicomIn, { peer, body, delivered });
});
