# cmake -D WEB=<clients/web> -D MADE=<folder with app.js, style.css> -P embed.cmake
# Writes MADE/pages_data.c: the pages and assets as bytes. An asset has its digest in its name, so
# that browsers may keep it for good and never mix two releases.
function(add_file path media cacheable file)
	file(READ ${file} hex HEX)
	string(LENGTH "${hex}" digits)
	math(EXPR count "${digits} / 2")
	string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
	string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
	list(LENGTH names number)
	string(APPEND data "static const uint8_t file_${number}[] = {\n${hex}\n};\n")
	string(APPEND rows "\t{\"${path}\", \"${media}\", file_${number}, ${count}, ${cacheable}},\n")
	list(APPEND names ${path})
	set(data "${data}" PARENT_SCOPE)
	set(rows "${rows}" PARENT_SCOPE)
	set(names "${names}" PARENT_SCOPE)
endfunction()

# asset(VARIABLE FILE MEDIA): served as /assets/<name>-<digest>.<extension>
macro(asset variable file media)
	file(SHA256 ${file} digest)
	string(SUBSTRING ${digest} 0 16 digest)
	get_filename_component(stem ${file} NAME_WE)
	get_filename_component(extension ${file} EXT)
	set(${variable} /assets/${stem}-${digest}${extension})
	add_file(${${variable}} "${media}" true ${file})
endmacro()

macro(page name title)
	set(PAGE ${name})
	set(TITLE "${title}")
	configure_file(${WEB}/page.html.in ${MADE}/${name}.html @ONLY)
	add_file(/${name} "text/html; charset=utf-8" false ${MADE}/${name}.html)
endmacro()

set(data "")
set(rows "")
set(names "")
asset(SCRIPT ${MADE}/app.js "text/javascript; charset=utf-8")
asset(STYLE ${MADE}/style.css "text/css; charset=utf-8")
asset(ICON ${WEB}/icon.svg "image/svg+xml")
page(consent "Xác nhận ký số")
page(account "Tài khoản của tôi")
page(activate "Kích hoạt chứng thư số")
page(problem "Không thực hiện được yêu cầu")

file(WRITE ${MADE}/pages_data.c.new "/* Made by clients/web/embed.cmake. */
#include \"api/pages_data.h\"

${data}
const struct page_file page_files[] = {
${rows}};
const size_t page_file_count = sizeof(page_files) / sizeof(page_files[0]);
")
file(RENAME ${MADE}/pages_data.c.new ${MADE}/pages_data.c)
