/* SPDX-License-Identifier: MIT */
/* Takes one picture of the overview once it shows what was freed: node shot.mjs LINK FILE. */
import { launch } from "./browser.mjs";

const [link, file] = process.argv.slice(2);
const browser = await launch();
const page = await browser.newPage({ viewport: { width: 1280, height: 860 }, colorScheme: "light" });
await page.goto(link);
for (const text of ["freed", "growing_dict.py"])
  await page.getByText(text).first().waitFor();
await page.waitForTimeout(5000); /* the sparklines need a few ticks */
await page.screenshot({ path: file });
await browser.close();
