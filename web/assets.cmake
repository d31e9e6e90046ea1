# Every file the daemon serves of the page: index.html at /, each other file at /assets/<its name>.
# Names are unique without their folders, because the table of served files knows no folders.
# Paths are relative to the root of the source tree. Both sides include this file: the daemon's HTTP
# floor embeds the list, tests/web serves the same list from its mock.
set(MEMTEND_WEB_ASSETS
  web/index.html
  web/tokens.css
  web/page.css
  web/parts.css
  web/app.js
  web/advice.js
  web/api.js
  web/chart.js
  web/confirm.js
  web/dom.js
  web/events.js
  web/format.js
  web/groups.js
  web/icon.js
  web/keyboard.js
  web/ledger.css
  web/ledger.js
  web/masthead.js
  web/overview.js
  web/poll.js
  web/process.css
  web/process.js
  web/receipt.js
  web/receipts.js
  web/router.js
  web/rules.js
  web/session.js
  web/spark.js
  web/state.js
  web/table.css
  web/table.js
  web/theme.js
  web/words.js
  web/node_modules/chart.js/dist/chart.umd.min.js
  web/node_modules/chartjs-plugin-annotation/dist/chartjs-plugin-annotation.min.js)

foreach(asset IN LISTS MEMTEND_WEB_ASSETS)
  if(NOT EXISTS "${CMAKE_CURRENT_LIST_DIR}/../${asset}")
    message(FATAL_ERROR "${asset} is absent. Run: ./dev deps build")
  endif()
endforeach()
unset(asset)
