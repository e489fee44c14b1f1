import sftpIn from '../../../adapters/ssh/sftp/sftp-in.ts';
import { describeInbound } from '../../contract/inbound.contract.ts';
import { takenFilesPeer } from '../../support/remote-folder.ts';
import { describeWithSshd, sftpTo } from '../../support/ssh-server.ts';

describeWithSshd('sftp-in with OpenSSH', (server) => {
  describeInbound(sftpIn, { peer: () => takenFilesPeer(server(), sftpTo(server())) });
});
