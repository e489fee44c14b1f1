import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import ftpsIn from '../../../adapters/ftps/ftps-in.ts';
import { describeInbound } from '../../contract/inbound.contract.ts';
import { describeWithFtpd, ftpsPrograms, ftpsTo } from '../../support/ftps-server.ts';
import { remoteFolder } from '../../support/remote-folder.ts';

for (const program of ftpsPrograms) {
  describeWithFtpd('ftps-in', { program }, (server) => {
    describeInbound(ftpsIn, {
      async peer() {
        const folder = await remoteFolder(server().home);
        const { given, options } = ftpsTo(server());
        let files = 0;
        let broken = false;
        return {
          given: { ...given, folder: folder.name, every: '20ms', stable: '0s' },
          options,
          async offer(body) {
            const name = `${++files}.hl7`;
            await folder.put(name, body);
            return {
              standing: () =>
                stat(join(folder.path, name)).then(
                  () => 'waiting' as const,
                  () => 'taken' as const,
                ),
            };
          },
          async breakDown() {
            broken = true;
            await server().stop();
          },
          async [Symbol.asyncDispose]() {
            if (broken) await server().start();
            broken = false;
            await folder[Symbol.asyncDispose]();
          },
        };
      },
    });
  });
}
