import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { sshServer } from '../../sandbox/ssh.ts';
import { exampleProduction } from '../support/example-production.ts';
import { mllpSender } from '../support/mllp-sender.ts';
import { startNats } from '../support/nats.ts';
import { run } from '../support/running.ts';
import { noSshServer } from '../support/ssh-server.ts';

/** The program of the laboratory system: it knows what it has, and wants one message to come again. */
const IMPORT = `#!/bin/sh
umask 0
id=$(cat); key=$(printf '%s' "$id" | cksum | cut -d' ' -f1)
grep -q "$key" "$0.got" 2>/dev/null && exit 3
if [ "$2" = 4712 ] && [ ! -e "$0.again" ]; then : > "$0.again"; echo later >&2; exit 75; fi
[ "$2" = bad ] && { echo "$2" >> "$0.bad"; echo "no such patient: $2" >&2; exit 65; }
echo "$key $(id -un) $1 $2 $MESSAGE_ID" >> "$0.got"
`;

const message = (id: string, patient: string): string =>
  `MSH|^~\\&|LAB|H|WB|H|20260101120000||ORU^R01^ORU_R01|${id}|P|2.5.1\rPID|1||${patient}^^^H^MR||D'oe; $(id)^Jane\rOBR|1|||718-7\r`;

test.skipIf(noSshServer !== undefined)(
  'the example of commands on servers runs on two engines: codes are judged, each message runs once',
  async () => {
    const other = { name: 'labor', password: 'pw' };
    await using server = await sshServer({ other, sudoers: 'hub ALL=(labor) ALL\n' });
    const program = join(server.home, 'import');
    await writeFile(program, IMPORT, { mode: 0o755 });
    await writeFile(`${program}.got`, '');
    await chmod(`${program}.got`, 0o666);
    await chmod(server.home, 0o777);
    await using nats = await startNats();
    const ports = [await freePort(), await freePort()];
    const at = `127.0.0.1:${server.port}`;
    const definitions = await Promise.all(
      ports.map((port) =>
        exampleProduction('server-commands', {
          RESULTS: `127.0.0.1:${port}`,
          LAB: at,
          LAB_KEY: server.privateKey,
          LAB_PASSWORD: server.password,
          LAB_HOST_KEY: server.hostKeys[0]?.fingerprint ?? '',
          LAB_IMPORT: program,
          LAB_USER: other.name,
          PRINT: at,
          PRINT_PASSWORD: server.password,
          PRINT_HOST_KEY: server.hostKeys[0]?.fingerprint ?? '',
          PRINT_COMMAND: `sh -c 'printf "%s\\n" "$2" >> ${server.home}/printed; cat > /dev/null' sh`,
        }),
      ),
    );
    const [first, second] = definitions;
    if (first === undefined || second === undefined) throw new Error('there should be two');
    await using engines = new AsyncDisposableStack();
    engines.use(await run(nats, first));
    engines.use(await run(nats, second));
    await using left = await mllpSender(ports[0] ?? 0);
    await using right = await mllpSender(ports[1] ?? 0);
    left.send(message('1', '4711'));
    right.send(message('2', 'bad'));
    await left.answered(1);
    await right.answered(1);
    left.send(message('3', '4712'));
    await left.answered(2);
    await vi.waitFor(
      async () => {
        const got = (await readFile(`${program}.got`, 'utf8')).trim().split('\n');
        expect(got.map((line) => line.split(' ').slice(1, 4).join(' ')).toSorted()).toEqual([
          'labor --patient 4711',
          'labor --patient 4712',
        ]);
        const printed = (await readFile(join(server.home, 'printed'), 'utf8')).trim().split('\n');
        expect(printed).toEqual(Array.from({ length: 3 }, () => "D'oe; $(id)"));
      },
      { timeout: 30_000 },
    );
    // a person has it, and nobody tries it again
    expect(await readFile(`${program}.bad`, 'utf8')).toBe('bad\n');
  },
);
