import { mkdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { builtConsole } from './src/build/built-console.ts';
import { browser } from './test/support/browser.ts';
import { hub } from './test/support/hub.ts';
const folder='/tmp/g/shots'; await mkdir(folder,{recursive:true});
const built = await builtConsole();
await using running = await hub(built, { silent: ['registry'], whole: true });
await running.send(running.messages);
await sleep(6000);
const ask = async (path:string,body?:object)=> (await fetch(`${running.url}/api/v1/${path}`, body?{method:'POST',headers:{'content-type':'application/json'},body:JSON.stringify(body)}:{})).json();
const sus:any = await ask('messages/search',{status:['suspended'],limit:1}); const ret:any = await ask('messages/search',{status:['retrying'],limit:1});
console.log(JSON.stringify(sus).slice(0,400)); console.log(JSON.stringify(ret).slice(0,400));
const ev:any = await ask('events?limit=200'); console.log([...new Set(ev.items.map((e:any)=>e.text))].join('\n'));
const s=sus.items[0], r=ret.items[0]??s;
for (const [name,width,theme] of [['wide-light',1280,'light'],['phone-dark',390,'dark'],['wide-dark',1280,'dark'],['phone-light',390,'light']] as const) {
  await using chrome = await browser({ width, theme, locale: 'de-DE' } as any);
  const { page } = chrome;
  for (const [path,what] of [['/','dashboard'],['/events','events'],['/hosts/registry','host'],[`/messages/${s?.id}`,'suspended-message'],[`/messages/${r?.id}`,'retrying-message'],[`/sessions/${r?.sessionId}`,'session'],['/suspended','suspended'],['/alerts','alerts'],['/production?view=table','table'],['/messages/99999999','missing'],['/certificates','certificates'],['/sign-ins','sign-ins']] as const) {
    await page.goto(running.url+path); await page.getByRole('heading',{level:1}).waitFor(); await sleep(900);
    if (what==='host') { await page.getByRole('button',{name:'Verbindung testen'}).click(); await sleep(2500); }
    await page.screenshot({ path: `${folder}/${what}-${name}.png`, fullPage: width===390 });
  }
}
process.exit(0);
