// Looks at every page of the dashboard as people with different eyes and hands do, and does what they would do. What is
// wrong is written a line each, and the exit code is 1.
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { chromium } from 'playwright-core';

const { BASE, CHROMIUM, SCREENSHOTS } = process.env;
const axe = readFileSync(new URL('node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
const problems = [];
const wrong = (where, what) => problems.push(`${where}: ${what}`);

const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
});
await mkdir(SCREENSHOTS, { recursive: true });

const list = async (query) => {
  const answer = await fetch(`${BASE}/jobs?q=${encodeURIComponent(query)}`, { headers: { accept: 'application/json' } });
  return (await answer.json()).jobs;
};

const [dead] = await list('state:dead');
const [running] = await list('state:running kind:endless');
const long = (await list('state:later')).at(-1);
const pages = {
  jobs: '/jobs', dead_jobs: '/jobs?q=state:dead', none: '/jobs?q=queue:none', misread: '/jobs?q=colour:red',
  job: `/jobs/${dead.id}`, running: `/jobs/${running.id}`, later: `/jobs/${long.id}`, queues: '/queues',
  queue: '/queues/crawls', kinds: '/kinds', kind: '/kinds/greet?since=1h', dead: '/dead', schedules: '/schedules',
  limits: '/limits', keys: '/limits/key%3Acrawls%2Fcrawl', workers: '/workers', actions: '/actions', doctor: '/doctor',
  new: '/new?kind=greet', confirm: '/jobs/confirm?verb=delete&all=1&q=state:dead', missing: '/nothing',
};
const views = {
  light: { viewport: { width: 1280, height: 800 }, colorScheme: 'light' },
  dark: { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' },
  phone: { viewport: { width: 390, height: 844 }, colorScheme: 'light', hasTouch: true },
  phone_dark: { viewport: { width: 390, height: 844 }, colorScheme: 'dark', hasTouch: true },
};

const watch = (page, where) => {
  page.on('console', (message) => {
    // A page with another status is one of the cases.
    if (message.type() === 'error' && !/status of (404|422|409|503)/.test(message.text())) wrong(where(), message.text());
  });
  page.on('pageerror', (error) => wrong(where(), String(error)));
  page.on('request', (request) => {
    if (!request.url().startsWith(new URL(BASE).origin) && !request.url().startsWith('data:')) {
      wrong(where(), `asks ${request.url()}`);
    }
  });
};

/** Every control is reached by Tab, and is seen when it is. */
const tabs = async (page, where) => {
  const all = await page.evaluate(() => {
    const controls = [...document.querySelectorAll('a[href], button, input, select, textarea, summary')].filter((it) =>
      it.type !== 'hidden' && !it.disabled && it.checkVisibility());
    controls.forEach((it, at) => { it.dataset.control = String(at); });
    document.activeElement?.blur();
    return controls.length;
  });
  const reached = new Set();
  for (let at = 0; at < all + 10; at += 1) {
    await page.keyboard.press('Tab');
    const [control, isRinged] = await page.evaluate(() => {
      const it = document.activeElement;
      return [it?.dataset?.control, !it || getComputedStyle(it).outlineStyle !== 'none'];
    });
    if (control === undefined) continue;
    if (!isRinged) wrong(where, `control ${control} has no ring`);
    reached.add(control);
    if (reached.size === all) break;
  }
  if (reached.size < all) wrong(where, `Tab reaches ${reached.size} of ${all} controls`);
};

const look = async (view, options) => {
  const context = await browser.newContext(options);
  // The page stays as it is while it is looked at.
  await context.addInitScript(() => localStorage.setItem('sq-every', '0'));
  const page = await context.newPage();
  let where = view;
  watch(page, () => where);
  for (const [name, path] of Object.entries(pages)) {
    where = `${name} (${view})`;
    await page.goto(BASE + path);
    await page.waitForFunction(() => document.documentElement.classList.contains('js'));
    const width = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
    if (width[0] > width[1]) wrong(where, `is ${width[0]} wide in a window of ${width[1]}`);
    await page.screenshot({ path: `${SCREENSHOTS}/${name}-${view}.png`, fullPage: true });
    if (view === 'light') await tabs(page, where);
    await page.evaluate(axe);
    const found = await page.evaluate(() => window.axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    }));
    for (const violation of found.violations) {
      wrong(where, `${violation.id}: ${violation.nodes.slice(0, 3).map((node) => node.html.slice(0, 120)).join(' | ')}`);
    }
  }
  await context.close();
};

for (const [view, options] of Object.entries(views)) await look(view, options);

/** What an operator does, with dialogs or with pages in their place. */
const flow = async (hasScript) => {
  const where = hasScript ? 'flow' : 'flow without JavaScript';
  const context = await browser.newContext({ javaScriptEnabled: hasScript, viewport: views.light.viewport });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  watch(page, () => where);
  const main = page.locator('#main');
  try {
    // Searches, picks two, retries one of them after the question.
    await page.goto(`${BASE}/jobs`);
    await page.fill('#q', 'state:dead');
    await page.click('form.search button');
    const count = await page.locator('#main tbody tr').count();
    if (!new URL(page.url()).search.includes('state%3Adead')) wrong(where, 'the filter is not in the address');
    await page.locator('input[name=id]').first().check();
    await page.click('#bulk-bar button[value=retry]');
    if (hasScript) {
      await page.locator('#dialog[open]').waitFor();
      await page.keyboard.press('Escape');
      if (await page.locator('#dialog[open]').count()) wrong(where, 'Escape does not close the dialog');
      const back = await page.evaluate(() => document.activeElement?.value);
      if (back !== 'retry') wrong(where, `the focus is on ${back} after Escape`);
      await page.click('#bulk-bar button[value=retry]');
    }
    const question = hasScript ? page.locator('#dialog') : main;
    await question.locator('button.first').click();
    await page.waitForURL(/\/jobs\/[0-9a-f-]+\?said=retried/);
    if (!(await main.textContent()).includes('due again')) wrong(where, 'it is not said that it was retried');

    // Deletes a group of dead letters.
    await page.goto(`${BASE}/dead`);
    await page.locator('main a.danger').first().click();
    await question.locator('button.first').click();
    await page.waitForURL(/\/actions\//);
    if (count < 1) wrong(where, 'there were no dead letters');

    // Edits one that waits; the hidden value stays.
    const waiting = (await list(`state:later args.name:"later ${hasScript ? 3 : 4}"`))[0];
    await page.goto(`${BASE}/jobs/${waiting.id}`);
    await page.locator('summary', { hasText: 'Edit' }).click();
    const args = page.locator('textarea[name=args]');
    await args.fill((await args.inputValue()).replace(/later \d/, hasScript ? 'edited' : 'edited too'));
    if (hasScript) {
      await page.waitForTimeout(2500);
      if (!(await args.inputValue()).includes('edited')) wrong(where, 'a refresh takes away what is typed');
    }
    await page.locator('form[action$="/edit"] button').click();
    await page.waitForURL(/said=changed/);

    // Enqueues one by hand.
    await page.goto(`${BASE}/new`);
    await page.selectOption('select[name=kind]', 'greet');
    if (!hasScript) await page.locator('main button', { hasText: 'Choose' }).click();
    await page.fill('input[name="arg.name"]', 'by hand');
    await page.fill('input[name="arg.token"]', 'x');
    await page.fill('input[name=at]', '3h');
    await page.locator('main button', { hasText: 'Enqueue' }).click();
    await page.waitForURL(/said=enqueued/);

    if (hasScript) {
      // Cancels what runs.
      await page.goto(`${BASE}/jobs/${running.id}`);
      await page.locator('main .acts a.danger').click();
      await page.locator('#dialog button.first').click();
      await page.waitForURL(/said=cancelled/);
      // The page follows by itself, and rows that were picked stay picked.
      await page.locator('main .badge.done').first().waitFor();
      await page.goto(`${BASE}/jobs`);
      await page.locator('input[name=id]').nth(2).check();
      const id = await page.locator('input[name=id]').nth(2).getAttribute('value');
      await page.waitForTimeout(2500);
      const boxes = await page.evaluate((value) => [...document.querySelectorAll('input[name=id]')]
        .filter((box) => box.value === value).map((box) => box.checked), id);
      if (boxes.join() !== 'true') wrong(where, 'a picked row is not picked any more');
      // Keys lead to pages.
      await page.keyboard.press('w');
      await page.waitForURL(/\/workers$/);
      await page.keyboard.press('t');
      if (!(await page.evaluate(() => document.documentElement.dataset.theme))) wrong(where, 't changes no theme');
      await page.keyboard.press('?');
      if (!(await page.locator('#help[open]').count())) wrong(where, '? shows no help');
    } else {
      await page.goto(`${BASE}/queues/greetings`);
      await page.fill('input[name=reason]', 'the mail server is down');
      await page.locator('main button', { hasText: 'Pause' }).last().click();
      await page.waitForURL(/said=paused/);
      if (!(await main.textContent()).includes('the mail server is down')) wrong(where, 'the reason is not shown');
    }
  } catch (error) {
    wrong(where, `${error}\n${page.url()}`);
    await page.screenshot({ path: `${SCREENSHOTS}/failed.png`, fullPage: true });
  }
  await context.close();
};

await flow(true);
await flow(false);
await browser.close();
for (const problem of problems) console.log(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
