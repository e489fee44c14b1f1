import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { vi } from 'vitest';
import { EXPLICIT_LITTLE_ENDIAN } from '../../adapters/dicom/uids.ts';
import { freePort } from '../../sandbox/free-port.ts';
import { fileHead } from '../../src/document/index.ts';
import { type TemporaryFolder, temporaryFolder } from './temporary-folder.ts';

/** Whether DCMTK, which hospitals test their DICOM connections with, is on this machine. */
export const hasDcmtk: boolean = existsSync('/usr/bin/storescp');

export const SECONDARY_CAPTURE = '1.2.840.10008.5.1.4.1.1.7';
export const CT_IMAGE = '1.2.840.10008.5.1.4.1.1.2';

/** An element in Explicit VR Little Endian. */
export function element(group: number, number: number, vr: string, value: string | Buffer): Buffer {
  const raw = typeof value === 'string' ? Buffer.from(value, 'utf8') : value;
  const filler = vr === 'UI' || vr === 'OB' ? '\0' : ' ';
  const bytes = raw.length % 2 === 0 ? raw : Buffer.concat([raw, Buffer.from(filler)]);
  const isLong = ['OB', 'OW', 'SQ', 'UN', 'UT', 'UC'].includes(vr);
  const head = Buffer.alloc(isLong ? 12 : 8);
  head.writeUInt16LE(group, 0);
  head.writeUInt16LE(number, 2);
  head.write(vr, 4, 'latin1');
  if (isLong) head.writeUInt32LE(bytes.length, 8);
  else head.writeUInt16LE(bytes.length, 6);
  return Buffer.concat([head, bytes]);
}

export interface Sample {
  readonly classUid?: string;
  /** The last part of its instance UID. */
  readonly instance?: number;
  readonly patient?: string;
  readonly patientId?: string;
  readonly comment?: string;
  /** Bytes of the picture. */
  readonly picture?: Buffer;
  readonly source?: string;
}

export const instanceUid = (instance: number): string => `1.2.826.0.1.3680043.9.7777.1.${instance}`;

/** A DICOM file with a picture of a few bytes, or as many as wanted. */
export function dicomFile(sample: Sample = {}): Buffer {
  const { classUid = SECONDARY_CAPTURE, instance = 1, patient = 'DOE^JOHN', source = '' } = sample;
  const { picture = Buffer.alloc(64, 7), comment = 'none', patientId = 'P0815' } = sample;
  const uid = instanceUid(instance);
  const transferSyntax = EXPLICIT_LITTLE_ENDIAN;
  return Buffer.concat([
    fileHead({ classUid, instanceUid: uid }, { transferSyntax, source }),
    element(0x0008, 0x0005, 'CS', 'ISO_IR 192'),
    element(0x0008, 0x0016, 'UI', classUid),
    element(0x0008, 0x0018, 'UI', uid),
    element(0x0008, 0x0020, 'DA', '20260101'),
    element(0x0008, 0x0050, 'SH', 'A4711'),
    element(0x0008, 0x0060, 'CS', 'OT'),
    element(0x0010, 0x0010, 'PN', patient),
    element(0x0010, 0x0020, 'LO', patientId),
    element(0x0020, 0x000d, 'UI', '1.2.826.0.1.3680043.9.7777.2'),
    element(0x0020, 0x000e, 'UI', '1.2.826.0.1.3680043.9.7777.3'),
    element(0x0020, 0x4000, 'LT', comment),
    element(0x7fe0, 0x0010, 'OB', picture),
  ]);
}

/** The object without the head of its file, which each application writes for itself. */
export function objectOf(file: Buffer): Buffer {
  const at = 132 + 12 + file.readUInt32LE(132 + 8);
  return file.subarray(at);
}

/** `storescp` of DCMTK: takes objects into a folder. */
export interface Archive extends AsyncDisposable {
  readonly port: number;
  /** The files that have come whole, in the order they came. */
  files(): Promise<readonly Buffer[]>;
  /** From now on it neither takes nor answers. */
  pause(): void;
  resume(): void;
  stop(): Promise<void>;
  start(...more: readonly string[]): Promise<void>;
}

/** `more`: further arguments, such as `--refuse`. */
export async function startArchive(...more: readonly string[]): Promise<Archive> {
  const folder = await temporaryFolder('dicom');
  const port = await freePort();
  let running: ChildProcess | undefined;
  const stop = async (): Promise<void> => {
    const child = running;
    running = undefined;
    if (child === undefined || child.exitCode !== null) return;
    signalAll(child, 'SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    // the processes of its associations hold the port until they are gone, too
    await vi.waitFor(() => isFree(port), { timeout: 10_000, interval: 10 });
  };
  const start = async (...others: readonly string[]): Promise<void> => {
    // a process for each association; bytes as they come
    const given = [
      '--fork',
      '+xa',
      '+B',
      '--unique-filenames',
      '-od',
      folder.path,
      ...more,
      ...others,
    ];
    running = spawn('storescp', [...given, String(port)], {
      stdio: 'ignore',
      detached: true,
    });
    await untilListening(port);
  };
  await start();
  return {
    port,
    files: async () => await filesIn(folder),
    pause: () => signalAll(running, 'SIGSTOP'),
    resume: () => signalAll(running, 'SIGCONT'),
    stop,
    start,
    async [Symbol.asyncDispose]() {
      await stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function isFree(port: number): Promise<void> {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  server.close();
  await once(server, 'close');
}

/** The processes of its associations, too. */
function signalAll(child: ChildProcess | undefined, signal: NodeJS.Signals): void {
  if (child?.pid !== undefined) process.kill(-child.pid, signal);
}

/** Benchmarks wait as well, where there is no test. */
export async function untilListening(port: number): Promise<void> {
  for (let tries = 0; ; tries++) {
    const socket = connect(port, '127.0.0.1');
    try {
      return void (await once(socket, 'connect'));
    } catch (error) {
      if (tries > 500) throw error;
      await sleep(20);
    } finally {
      socket.destroy();
    }
  }
}

async function filesIn({ path }: TemporaryFolder): Promise<Buffer[]> {
  const names = (await readdir(path)).map((name) => join(path, name));
  const dated = await Promise.all(
    names.map(async (name) => ({ name, at: (await stat(name, { bigint: true })).mtimeNs })),
  );
  const ordered = dated.toSorted((a, b) => Number(a.at - b.at));
  return await Promise.all(ordered.map(({ name }) => readFile(name)));
}

const run = promisify(execFile);

/** Runs one of DCMTK's programs; gives its exit code and all it said. */
export async function dcmtk(
  program: string,
  ...given: readonly string[]
): Promise<{ readonly code: number; readonly said: string }> {
  try {
    const { stdout, stderr } = await run(program, given, { timeout: 30_000 });
    return { code: 0, said: stdout + stderr };
  } catch (error) {
    const {
      code,
      stdout = '',
      stderr = '',
    } = error as {
      code?: number;
      stdout?: string;
      stderr?: string;
    };
    return { code: code ?? -1, said: stdout + stderr };
  }
}

/** Sends files with `storescu` as a modality does. */
export async function storescu(
  port: number,
  files: readonly Buffer[],
  ...given: readonly string[]
): Promise<{ readonly code: number; readonly said: string }> {
  await using folder = await temporaryFolder('modality');
  const names = files.map((_, at) => join(folder.path, `${String(at).padStart(4, '0')}.dcm`));
  await Promise.all(files.map((file, at) => writeFile(names[at] ?? '', file)));
  return await dcmtk('storescu', '-v', ...given, '127.0.0.1', String(port), ...names);
}
