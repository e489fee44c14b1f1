import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dicomFile } from './dicom.ts';
import { CLAIMS } from './edi-samples.ts';
import { type Operated, operated } from './operator.ts';

/** Formats besides HL7, and hosts of many protocols whose peers are not there. */
const PRODUCTION = `production: formats
title: Images, claims and letters
settings: { search: { patient: PatientID }, shutdownTimeout: 1s }
credentials:
  account: { kind: basic, user: hub, password: none }
services:
  claims:
    title: From the clinics
    adapter: file-in
    settings: { folder: '\${env:LISTEN}', pattern: '*.x12', every: 1s }
    to: [filed, states]
  images:
    title: From the scanners
    adapter: file-in
    settings: { folder: '\${env:LISTEN}', pattern: '*.dcm', every: 1s }
    to: [filed, archive]
operations:
  filed: { title: Everything, adapter: file-out, settings: { folder: '\${env:LISTEN}/out', name: '{id}' } }
  archive: { title: Image archive, adapter: dicom-out, settings: { connect: '\${env:SPARE}', title: ARCHIVE, ownTitle: HUB } }
  states: { title: State of claims, adapter: amqp-out, settings: { connect: '\${env:SPARE}', credential: account, exchange: amq.topic, routingKey: claims } }
  printer: { title: Printer of ward A3, adapter: print-out, settings: { url: 'ipp://\${env:SPARE}/printers/a3', name: 'Letter {id}' } }
  board: { title: Bed board, adapter: websocket-out, settings: { url: 'ws://\${env:SPARE}/feed' } }
  repository: { title: FHIR repository, adapter: fhir-out, settings: { url: 'http://\${env:SPARE}/r4' } }
`;

/** Names of hosts whose pages are worth a look. */
export const PROTOCOL_HOSTS = ['archive', 'states', 'printer', 'board', 'repository'] as const;

export async function manyProtocols(consoleFolder: string): Promise<Operated> {
  const production = await operated({
    production: PRODUCTION.replaceAll('${env:LISTEN}', './drop'),
    console: { consoleFolder },
  });
  const drop = join(production.folder.path, 'drop');
  await mkdir(drop, { recursive: true });
  await writeFile(join(drop, 'claims.x12'), CLAIMS);
  await writeFile(join(drop, 'image.dcm'), dicomFile({ patient: 'DOE^JANE' }));
  return production;
}
