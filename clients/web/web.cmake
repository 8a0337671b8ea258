# The pages: TypeScript and CSS bundled by esbuild, then everything in one generated C file, so that
# the daemon serves them from memory and nothing on disk can be put in their place.
find_program(ESBUILD esbuild REQUIRED)

set(web ${CMAKE_SOURCE_DIR}/clients/web)
set(web_made ${CMAKE_BINARY_DIR}/web)
file(GLOB_RECURSE web_sources CONFIGURE_DEPENDS ${web}/src/*.ts)
add_custom_command(OUTPUT ${web_made}/pages_data.c
	COMMAND ${ESBUILD} ${web}/src/main.ts --bundle --minify --charset=utf8 --format=esm
		--target=es2020 --log-level=warning --outfile=${web_made}/app.js
	COMMAND ${ESBUILD} ${web}/style.css --minify --log-level=warning
		--outfile=${web_made}/style.css
	COMMAND ${CMAKE_COMMAND} -D WEB=${web} -D MADE=${web_made} -P ${web}/embed.cmake
	DEPENDS ${web_sources} ${web}/style.css ${web}/page.html.in ${web}/icon.svg
		${web}/tsconfig.json ${web}/embed.cmake
	VERBATIM)
