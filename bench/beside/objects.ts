import { readFile } from 'node:fs/promises';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { Agent } from 'undici';
import azureBlobIn from '../../adapters/azure/azure-blob-in.ts';
import azureBlobOut from '../../adapters/azure/azure-blob-out.ts';
import s3In from '../../adapters/s3/s3-in.ts';
import s3Out from '../../adapters/s3/s3-out.ts';
import { azurite } from '../../test/support/azurite.ts';
import { objectStore } from '../../test/support/object-store.ts';
import { message } from '../messages.ts';
import {
  kept,
  type Spent,
  type Subject,
  type Subjects,
  sender,
  Taken,
  taking,
  timed,
} from './subject.ts';

const NAMES = { folder: 'out', name: '{id}.hl7' };
const PICKUP = { folder: 'in', every: '50ms', stable: '0s', order: 'name' };
const nameOf = (n: number): string => `in/${String(n).padStart(6, '0')}.hl7`;

/** Takes one object after another as the adapter does: read, stored, then looked at again and removed. */
async function taken(messages: number, one: (key: string) => Promise<void>): Promise<Spent> {
  const seen = new Taken(messages);
  for (let n = 0; n < messages; n++) {
    seen.one();
    await one(nameOf(n));
  }
  return await seen.spent;
}

/** Objects at moto beside Amazon's client: neither overwrites, so both look first, as the server knows no condition. */
export async function s3Subjects(): Promise<Subjects> {
  await using undo = new AsyncDisposableStack();
  const server = undo.use(await objectStore());
  const client = new S3Client({
    endpoint: server.url,
    region: 'eu-central-1',
    forcePathStyle: true,
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
  });
  undo.defer(() => client.destroy());
  const Bucket = 'lab';
  await server.bucket(Bucket);
  const body = message(1).bytes;
  const credential = { kind: 'basic', user: 'key', password: 'secret' } as const;
  const at = { endpoint: server.url, bucket: Bucket, pathStyle: true, credential: 'key' };
  const out = await sender(s3Out, { ...at, ...NAMES }, credential);
  undo.defer(() => out.close());
  const { HeadObjectCommand, DeleteObjectCommand } = await import('@aws-sdk/client-s3');
  const isThere = (Key: string): Promise<boolean> =>
    client.send(new HeadObjectCommand({ Bucket, Key })).then(
      () => true,
      () => false,
    );
  let id = 0;
  const subjects: Subject[] = [
    {
      what: 's3-out',
      bare: (messages) =>
        timed(messages, async () => {
          const Key = `out/bare-${++id}.hl7`;
          if (await isThere(Key)) throw new Error('there is one');
          await client.send(new PutObjectCommand({ Bucket, Key, Body: body, IfNoneMatch: '*' }));
        }),
      adapter: (messages) => timed(messages, () => out.send(body)),
    },
    {
      what: 's3-in',
      prepare: async (messages) =>
        void (await timed(messages, (n) => server.put(Bucket, nameOf(n), body))),
      bare: (messages) =>
        taken(messages, async (Key) => {
          const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
          await Body?.transformToByteArray();
          await kept();
          await isThere(Key);
          await client.send(new DeleteObjectCommand({ Bucket, Key }));
        }),
      adapter: (messages) => taking(s3In, { ...at, ...PICKUP }, { credential, messages }),
    },
  ];
  const opened = undo.move();
  return { subjects, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** Blobs at Azurite beside the bare web client with a signature in the address: there is no library to compare with. */
export async function azureSubjects(): Promise<Subjects> {
  await using undo = new AsyncDisposableStack();
  const server = undo.use(await azurite());
  const agent = new Agent({ connect: { ca: await readFile(server.trust, 'utf8') } });
  undo.defer(() => agent.destroy());
  await server.container('lab');
  const sas = server.sas();
  const body = message(1).bytes;
  const { account: user, key: password, url: endpoint, trust, port } = server;
  const credential = { kind: 'basic', user, password } as const;
  const at = { endpoint, container: 'lab', credential: 'key', tls: { trust } };
  const out = await sender(azureBlobOut, { ...at, ...NAMES }, credential);
  undo.defer(() => out.close());
  const ask = async (method: 'GET' | 'HEAD' | 'PUT' | 'DELETE', key: string): Promise<void> => {
    const own = { 'x-ms-blob-type': 'BlockBlob', 'if-none-match': '*' };
    const answer = await agent.request({
      origin: `https://127.0.0.1:${port}`,
      path: `/${user}/lab/${key}?${sas}`,
      method,
      headers: { 'x-ms-version': '2021-12-02', ...(method === 'PUT' && own) },
      ...(method === 'PUT' && { body }),
    });
    await answer.body.arrayBuffer();
    if (answer.statusCode >= 300) throw new Error(`${method}: ${answer.statusCode}`);
  };
  let id = 0;
  const subjects: Subject[] = [
    {
      what: 'azure-blob-out',
      bare: (messages) => timed(messages, () => ask('PUT', `out/bare-${++id}.hl7`)),
      adapter: (messages) => timed(messages, () => out.send(body)),
    },
    {
      what: 'azure-blob-in',
      prepare: async (messages) => void (await timed(messages, (n) => ask('PUT', nameOf(n)))),
      bare: (messages) =>
        taken(messages, async (key) => {
          await ask('GET', key);
          await kept();
          await ask('HEAD', key);
          await ask('DELETE', key);
        }),
      adapter: (messages) => taking(azureBlobIn, { ...at, ...PICKUP }, { credential, messages }),
    },
  ];
  const opened = undo.move();
  return { subjects, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}
