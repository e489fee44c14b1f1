import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { type Daemon, startDaemon } from '../../sandbox/daemon.ts';
import { freePort } from '../../sandbox/free-port.ts';

const SERVER = '/usr/bin/moto_server';

/** Why tests against an S3 server are skipped; undefined where they run. */
export const noObjectStore: string | undefined = existsSync(SERVER)
  ? undefined
  : 'moto_server (python3-moto) is not installed';

/** An S3 server by moto, whose objects are lost with it. */
export interface ObjectStore extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  bucket(name: string): Promise<void>;
  put(bucket: string, key: string, content: string | Uint8Array): Promise<void>;
  get(
    bucket: string,
    key: string,
  ): Promise<{ readonly bytes: Buffer; readonly type: string; readonly encryption: string }>;
  keys(bucket: string): Promise<readonly string[]>;
  remove(bucket: string, key: string): Promise<void>;
  stop(): Promise<void>;
  start(): Promise<void>;
}

export async function objectStore(): Promise<ObjectStore> {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-s3-'));
  const port = await freePort();
  const begin = (): Promise<Daemon> =>
    startDaemon({
      // short pages, as of a bucket with thousands of objects
      program: '/usr/bin/env',
      args: ['MOTO_S3_DEFAULT_MAX_KEYS=3', SERVER, '-H', '127.0.0.1', '-p', String(port)],
      log: join(folder, 'log'),
      port,
      // Python with all of its models: on a busy machine a program to be waited for
      within: 60_000,
    });
  let server = await begin();
  const url = `http://127.0.0.1:${port}`;
  const client = new S3Client({
    endpoint: url,
    region: 'eu-central-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
  });
  return {
    url,
    pid: server.pid,
    async bucket(name) {
      await client.send(
        new CreateBucketCommand({
          Bucket: name,
          CreateBucketConfiguration: { LocationConstraint: 'eu-central-1' },
        }),
      );
    },
    async put(bucket, key, content) {
      await client.send(
        new PutObjectCommand({ Bucket: bucket, Key: key, Body: Buffer.from(content) }),
      );
    },
    async get(bucket, key) {
      const found = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      const bytes = Buffer.from((await found.Body?.transformToByteArray()) ?? []);
      return {
        bytes,
        type: found.ContentType ?? '',
        encryption: found.ServerSideEncryption ?? '',
      };
    },
    async keys(bucket) {
      const { Contents = [] } = await client.send(
        new ListObjectsV2Command({ Bucket: bucket, MaxKeys: 1_000 }),
      );
      return Contents.map(({ Key = '' }) => Key);
    },
    async remove(bucket, key) {
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
    },
    stop: () => server.stop(),
    async start() {
      server = await begin();
    },
    async [Symbol.asyncDispose]() {
      client.destroy();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
