import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds that a file stays empty, and half written. */
const PAUSE = 40;

const { writeFile, open } = promises;
type Given = Parameters<typeof writeFile>;

/** Whether a test writes all of a file that it names: who calls is the third line of the stack. */
const isMeant = (file: Given[0], data: Given[1], stack = ''): data is string | Uint8Array =>
  (typeof file === 'string' || Buffer.isBuffer(file)) &&
  (typeof data === 'string' || data instanceof Uint8Array) &&
  /[/\\]test[/\\]/.test(stack.split('\n')[2] ?? '');

async function inParts(path: string | Buffer, bytes: Uint8Array, options: Given[2]): Promise<void> {
  const { flag = 'w', mode } = typeof options === 'object' ? { ...options } : {};
  await using opened = await open(path, String(flag), mode);
  await sleep(PAUSE);
  const half = bytes.subarray(0, bytes.length / 2);
  await opened.writeFile(half);
  await sleep(PAUSE);
  await opened.writeFile(bytes.subarray(half.length));
}

/**
 * Imported before anything else (`test/busy.ts`): a file that a test writes is there before its content, as on a machine
 * that was busy just then. Whoever looks meanwhile finds it empty and half.
 */
Object.assign(promises, {
  writeFile: (...[file, data, options]: Given): Promise<void> =>
    isMeant(file, data, new Error('where from').stack)
      ? inParts(file as string | Buffer, Buffer.from(data), options)
      : writeFile(file, data, options),
});
syncBuiltinESMExports();
