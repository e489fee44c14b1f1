import ftpsIn from '../../../adapters/ftps/ftps-in.ts';
import { describeInbound } from '../../contract/inbound.contract.ts';
import { describeWithFtpd, ftpsPrograms, ftpsTo } from '../../support/ftps-server.ts';
import { takenFilesPeer } from '../../support/remote-folder.ts';

for (const program of ftpsPrograms) {
  describeWithFtpd('ftps-in', { program }, (server) => {
    describeInbound(ftpsIn, { peer: () => takenFilesPeer(server(), ftpsTo(server())) });
  });
}
